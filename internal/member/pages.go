package member

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"roster/internal/access"
	"roster/internal/email"
	"roster/internal/env"
	"roster/internal/id"
	"roster/internal/money"
	"roster/internal/organization"
	"roster/internal/page"
	"roster/internal/permission"
	"roster/internal/spending"
	"roster/internal/spent"
	"roster/internal/table"
)

// source is a list from which a page is read: an index, whose items are the rows,
// or one of entries.
type source struct {
	query table.Query
	// asked is what narrows the list besides, as it was asked for: what that means may
	// change from one page to the next.
	asked string
	// shows reports whether an entry's member still stands there; nil for an index.
	shows func(m Member, entry table.Key) bool
}

// source is the list in an order, from its one end or the other.
func (s listScope) source(org id.Organization, order listOrder, descending bool) source {
	if order == byAddress && s.indexed() {
		q := table.Query{Index: table.ListIndex, PK: ListPartition(org), Descending: descending}
		if s.Status != "" {
			q.Index, q.PK = table.StateIndex, StatePartition(org, s.Status)
		}
		return source{query: q}
	}
	return source{
		query: table.Query{PK: s.partition(org, order), Descending: descending, Settled: true},
		shows: func(m Member, entry table.Key) bool { return slices.Contains(m.entries(), entry) },
	}
}

// address is how addresses begin that are found.
func (s Search) address() string { return email.LowerASCII(string(s)) }

// beginning narrows a list by address to those that begin so.
func (s source) beginning(address string) source {
	s.query.Prefix = address
	return s
}

// naming narrows a list by word to the names in which a word begins so, but not of
// whom the address does: each once, by the first such word in the list.
func (s source) naming(name, address string) source {
	s.query.Prefix = name
	s.shows = func(m Member, entry table.Key) bool {
		if strings.HasPrefix(m.sortKey(), address) {
			return false
		}
		first := ""
		for _, own := range m.entries() {
			if own.PK == entry.PK && strings.HasPrefix(own.SK, name) && (first == "" || own.SK < first) {
				first = own.SK
			}
		}
		return first == entry.SK
	}
	return s
}

// spenders is the list of whoever spent something in the current month and is, or
// asks to be, a member.
func spenders(org id.Organization, now time.Time, zone *time.Location) source {
	return source{
		query: table.Query{PK: spent.Partition(org, spent.Month(now, zone)), Descending: true, Settled: true},
		shows: func(m Member, _ table.Key) bool { return m.Status != access.Removed },
	}
}

// sameRole are the role of a name and those that it took the place of.
func sameRole(roles permission.Roles, name string) []string {
	current, _ := roles.Role(name)
	all := []string{current.Name}
	for _, own := range slices.Sorted(maps.Keys(roles)) {
		if role, ok := roles.Role(own); ok && own != role.Name && role.Name == current.Name {
			all = append(all, own)
		}
	}
	return all
}

// pages reads sources page by page.
type pages struct {
	*env.Env
	org     id.Organization
	sources []source
}

// readings is how often a page is filled up where entries lead to what no longer
// stands there: then it is short rather than slow.
const readings = 10

// position is where the next page begins: in which source, and where in it.
type position struct {
	source int
	start  table.Item
}

// read reads the members of the page that is asked for, and the cursor to the next;
// empty at the end.
func (p pages) read(ctx context.Context, asked page.Request) (rows []Member, next string, err error) {
	binding := p.binding()
	at, err := p.open(ctx, binding, asked)
	if err != nil {
		return nil, "", err
	}
	wanted := asked.Limit.Rows()
	for range readings {
		if at.source == len(p.sources) || len(rows) == wanted {
			break
		}
		s := p.sources[at.source]
		s.query.Start, s.query.Limit = at.start, wanted-len(rows)
		read, err := p.Table.Query(ctx, s.query)
		if err != nil {
			return nil, "", err
		}
		shown, err := p.shown(ctx, s, read.Items)
		if err != nil {
			return nil, "", err
		}
		rows = append(rows, shown...)
		if at.start = read.Next; at.start == nil {
			at.source++
		}
	}
	next, err = p.cursor(ctx, binding, at)
	return rows, next, err
}

// shown are the members to whom items of a source lead, of those who still stand
// there.
func (p pages) shown(ctx context.Context, s source, items []table.Item) ([]Member, error) {
	if s.shows == nil {
		return table.DecodeAll[Member](items)
	}
	entries, err := table.DecodeAll[table.Key](items)
	if err != nil || len(entries) == 0 {
		return nil, err
	}
	found := make([]*Member, len(entries))
	reads := make([]table.Read, len(entries))
	for i, entry := range entries {
		_, reference := entry.Entry()
		reads[i] = table.Into(Referenced(p.org, reference), &found[i])
	}
	if err := p.Table.GetSettled(ctx, reads...); err != nil {
		return nil, err
	}
	var all []Member
	for i, m := range found {
		if m == nil {
			continue
		}
		m.Organization = p.org // the key of an invitation is not a member's
		if s.shows(*m, entries[i]) {
			all = append(all, *m)
		}
	}
	return all, nil
}

// binding ties cursors to the list that they come from.
func (p pages) binding() string {
	var b strings.Builder
	for _, s := range p.sources {
		b.WriteString(strconv.Quote(s.query.Index + "\n" + s.query.PK + "\n" + s.query.Prefix + "\n" + s.asked))
		b.WriteString(strconv.FormatBool(s.query.Descending))
	}
	return b.String()
}

// sourceName holds the number of the source in a cursor, among the key's names.
const sourceName = "source"

func (p pages) cursor(ctx context.Context, binding string, at position) (string, error) {
	if at.source == len(p.sources) {
		return "", nil
	}
	next := table.Item{sourceName: &types.AttributeValueMemberS{Value: strconv.Itoa(at.source)}}
	maps.Copy(next, at.start)
	return page.Cursor(ctx, p.Env, binding, next)
}

func (p pages) open(ctx context.Context, binding string, asked page.Request) (position, error) {
	start, err := page.Start(ctx, p.Env, binding, asked.Cursor)
	if err != nil || start == nil {
		return position{}, err
	}
	var at position
	if number, ok := start[sourceName].(*types.AttributeValueMemberS); ok {
		at.source, _ = strconv.Atoi(number.Value) // sealed by cursor
	}
	delete(start, sourceName)
	if len(start) > 0 {
		at.start = start
	}
	return at, nil
}

// complete makes the rows of members, with what each spent this month and may spend.
func (s Service) complete(ctx context.Context, by access.Actor, members []Member) ([]Row, error) {
	var users []id.User
	for _, m := range members {
		if m.Kind != Invited {
			users = append(users, m.ID)
		}
	}
	var o *organization.Organization
	costs, err := spent.Of(ctx, s.Table, by.Organization(), spent.Month(s.Now(), by.Location()), users,
		organization.Read(by.Organization(), &o))
	if err != nil {
		return nil, err
	}
	if o == nil {
		return nil, access.ErrOrg
	}
	orphaned, err := s.orphaned(ctx, by.Organization(), members...)
	if err != nil {
		return nil, err
	}
	rows := make([]Row, len(members))
	for i, m := range members {
		rows[i] = m.At(s.Now()).view()
		rows[i].complete(costs[m.ID], m.Limits(*o, s.Now()))
		rows[i].under(o.Terms())
		rows[i].domainsOf(o.Policy)
		rows[i].Orphaned = orphaned[m.ID]
	}
	return rows, nil
}

// complete adds what a member spent this month, and may spend.
func (r *Row) complete(spend money.Amount, limits spending.Binding) {
	r.Spend, r.MonthlyLimit, r.DailyLimit = &spend, limits.MonthlyLimit, limits.DailyLimit
}

// highestFirst sorts the rows of a page by the spend that they show: their entries
// stand in the order of it only to the percent.
func highestFirst(rows []Row) {
	slices.SortStableFunc(rows, func(a, b Row) int { return cmp.Compare(*b.Spend, *a.Spend) })
}
