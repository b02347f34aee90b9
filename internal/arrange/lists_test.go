package arrange_test

import (
	"cmp"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"roster/internal/access"
	"roster/internal/email"
	"roster/internal/field"
	"roster/internal/id"
	"roster/internal/member"
	"roster/internal/member/membertest"
	"roster/internal/money"
	"roster/internal/rostertest"
	"roster/internal/spent"
	"roster/internal/table"
)

// names of people, as lists and searches see them.
var names = map[field.Name]string{
	"":                     "",
	"Ada Lovelace":         "ada lovelace",
	"ADA  Byron":           "ada byron",
	"Émile Zola":           "emile zola",
	"Ünal Özgür":           "unal ozgur",
	"Łukasz Żak":           "lukasz zak",
	"Anne-Marie O'Neil":    "anne-marie o'neil",
	"Jürgen Groß":          "jurgen gross",
	"Søren Ærø":            "soren aero",
	"李小龍":                  "李小龍",
	"Zoë 👩‍💻":              "zoe 👩‍💻",
	"one two three four 5": "one two three four 5",
}

var searches = []string{
	"a", "ADA", "ada", "lov", "byr", "ä", "Ü", "oz", "Ö", "zak", "Ż", "mar", "o'n", "neil", "gross", "groß", "sø", "ae", "李", "小", "zoe",
	"four", "5", "m0", "m01@", "@", "'", "%", "ada l", "ada  b", "no such", "0", "👩",
}

// found reports whether a search finds somebody by a word of their name: one of
// the first four.
func found(name, search string) bool {
	words := strings.FieldsFunc(name, func(r rune) bool { return strings.ContainsRune(" -'", r) })
	rest := name
	for i, word := range words {
		rest = rest[strings.Index(rest, word):]
		if i < 4 && strings.HasPrefix(rest, search) {
			return true
		}
		rest = rest[len(word):]
	}
	return strings.HasPrefix(name, search)
}

// folded is a search as names see it, by other means than the lists' own.
func folded(search string) string {
	return strings.Join(strings.Fields(strings.NewReplacer(
		"ä", "a", "ö", "o", "ü", "u", "ż", "z", "ß", "ss", "ø", "o",
	).Replace(strings.ToLower(search))), " ")
}

// one is a member as a reference knows them.
type one struct {
	member.Member
	spent money.Amount
}

// model is an organization, and what its lists should have.
type model struct {
	r     *rostertest.Roster
	owner membertest.Member
	all   []*one
	teams []id.Team
	// unarranged: no step arranges.
	unarranged bool
}

var statuses = []member.Status{access.Pending, access.Active, access.Suspended, access.Removed}

func (m *model) step(t *testing.T, rt *rapid.T) {
	now := m.r.Now()
	action := rapid.SampledFrom([]string{"add", "add", "add", "name", "role", "status", "team", "spend", "spend", "see", "end", "arrange"}).Draw(rt, "action")
	if action == "add" || len(m.all) == 1 {
		m.add(t, rt)
		return
	}
	of := m.all[rapid.IntRange(1, len(m.all)-1).Draw(rt, "member")]
	save := func(change func(*member.Member)) {
		membertest.Change(t, m.r, of.Organization, of.ID, change)
		change(&of.Member)
	}
	switch action {
	case "name":
		name := m.name(rt)
		save(func(m *member.Member) { m.Name = name })
	case "role":
		role := rapid.SampledFrom([]string{"member", "developer"}).Draw(rt, "role")
		save(func(m *member.Member) { m.Role = role })
	case "status":
		status := rapid.SampledFrom(statuses).Draw(rt, "status")
		save(func(m *member.Member) { m.Status = status })
	case "team":
		team, in := rapid.SampledFrom(m.teams).Draw(rt, "team"), rapid.Bool().Draw(rt, "in")
		save(func(m *member.Member) {
			teams := map[id.Team]member.TeamRole{}
			for _, other := range []id.Team{team} {
				if in {
					teams[other] = access.TeamUser
				}
			}
			m.Teams = teams
		})
	case "spend":
		cost := money.Amount(rapid.OneOf(rapid.Int64Range(1, 1e12), rapid.SampledFrom([]int64{1, 1000, 1e9})).Draw(rt, "cost"))
		of.spent += cost
		m.write(t, table.Write{
			Key:    table.MemberMonth(of.Organization, of.ID, "2026-11"),
			Update: "ADD #c :cost, #r :one, #r22 :one SET #state_pk = :month, #state_sk = :user",
			Values: table.V{"cost": cost, "one": 1, "month": spent.UsersPartition(of.Organization, "2026-11"), "user": of.ID},
		})
		of.LastActiveAt = time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)
	case "see":
		day := member.Day(now.AddDate(0, 0, -rapid.IntRange(0, 50).Draw(rt, "days")), time.UTC)
		if day.After(of.LastActiveAt) {
			m.write(t, member.Seen(of.Organization, of.ID, day))
			of.LastActiveAt = day
		}
	case "end":
		m.write(t, table.Write{Key: table.Member(of.Organization, of.ID), Delete: true})
		m.all = slices.DeleteFunc(m.all, func(other *one) bool { return other == of })
	case "arrange":
		if !m.unarranged {
			m.r.Arrange(t)
		}
	}
}

func (m *model) write(t *testing.T, w table.Write) {
	t.Helper()
	if err := m.r.Table.Transact(t.Context(), w); err != nil {
		t.Fatal(err)
	}
}

func (m *model) name(rt *rapid.T) field.Name {
	all := make([]field.Name, 0, len(names))
	for name := range names {
		all = append(all, name)
	}
	slices.Sort(all)
	return rapid.SampledFrom(all).Draw(rt, "name")
}

func (m *model) add(t *testing.T, rt *rapid.T) {
	m.r.Advance(time.Duration(rapid.IntRange(0, 2).Draw(rt, "later")) * time.Second)
	added := membertest.Add(t, m.r, member.Member{
		Organization: m.owner.Organization, Role: "member", Name: m.name(rt),
		Status: rapid.SampledFrom(statuses).Draw(rt, "status"),
		Kind:   rapid.SampledFrom([]member.Kind{member.Person, member.ServiceAccount}).Draw(rt, "kind"),
		Email:  email.Address(fmt.Sprintf("%s%02d@example.com", rapid.SampledFrom([]string{"m", "ada", "z"}).Draw(rt, "address"), len(m.all))),
	})
	m.all = append(m.all, &one{Member: added.Member})
}

// wanted are the addresses that a list should have, in order.
func (m *model) wanted(query url.Values) []string {
	status, role, team, kind := query.Get("status"), query.Get("role"), query.Get("team"), query.Get("kind")
	var rows []*one
	for _, of := range m.all {
		_, inTeam := of.Teams[id.Team(team)]
		if status == "" && of.Status == access.Removed || status != "" && string(of.Status) != status ||
			role != "" && of.Role != role || team != "" && !inTeam || kind != "" && string(of.Kind) != kind {
			continue
		}
		rows = append(rows, of)
	}
	compare := func(a, b *one) int { return 0 }
	switch query.Get("sort") {
	case "name":
		name := func(of *one) string {
			if of.Name == "" {
				return string(of.Email)
			}
			return names[of.Name]
		}
		compare = func(a, b *one) int { return cmp.Or(cmp.Compare(name(a), name(b)), cmp.Compare(a.ID, b.ID)) }
	case "created":
		compare = func(a, b *one) int {
			return cmp.Or(a.CreatedAt.Truncate(time.Second).Compare(b.CreatedAt.Truncate(time.Second)), cmp.Compare(a.ID, b.ID))
		}
	case "last_active":
		rows = slices.DeleteFunc(rows, func(of *one) bool { return of.Status == access.Pending })
		compare = func(a, b *one) int { return cmp.Or(a.LastActiveAt.Compare(b.LastActiveAt), cmp.Compare(a.ID, b.ID)) }
	case "spend":
		rows = slices.DeleteFunc(rows, func(of *one) bool { return of.spent == 0 })
		compare = func(a, b *one) int { return cmp.Compare(a.spent, b.spent) }
	default:
		compare = func(a, b *one) int { return cmp.Compare(a.Email, b.Email) }
	}
	slices.SortFunc(rows, compare)
	if query.Get("order") == "desc" || query.Get("sort") == "spend" {
		slices.Reverse(rows)
	}
	addresses := func(rows []*one) (all []string) {
		for _, of := range rows {
			all = append(all, string(of.Email))
		}
		return all
	}
	search := query.Get("search")
	if search == "" {
		return addresses(rows)
	}
	var byAddress, byName []*one
	for _, of := range rows {
		switch {
		case strings.HasPrefix(string(of.Email), strings.ToLower(search)):
			byAddress = append(byAddress, of)
		case of.Name != "" && found(names[of.Name], folded(search)):
			byName = append(byName, of)
		}
	}
	all := addresses(byName)
	slices.Sort(all) // in the order of the words, which is the lists' own affair
	return append(addresses(byAddress), all...)
}

// listed are the addresses that the API lists, page by page.
func (m *model) listed(t *testing.T, rt *rapid.T, query url.Values) (all []string) {
	query = url.Values(mapsClone(query))
	query.Set("limit", fmt.Sprint(rapid.IntRange(1, 7).Draw(rt, "limit")))
	byName := 0
	for {
		answer := m.r.Must(t, 200, "GET /api/organizations/"+string(m.owner.Organization)+"/members?"+query.Encode(), m.owner.Secret, nil)
		for _, row := range answer.At("members").([]any) {
			all = append(all, row.(map[string]any)["email"].(string))
		}
		next := answer.String("next_cursor")
		if next == "" {
			break
		}
		query.Set("cursor", next)
	}
	if search := strings.ToLower(query.Get("search")); search != "" {
		for byName < len(all) && strings.HasPrefix(all[byName], search) {
			byName++
		}
		slices.Sort(all[byName:])
	}
	return all
}

func mapsClone(query url.Values) map[string][]string {
	out := map[string][]string{}
	for name, values := range query {
		out[name] = slices.Clone(values)
	}
	return out
}

// queries are lists of every kind.
func (m *model) queries(rt *rapid.T) []url.Values {
	var all []url.Values
	add := func(pairs ...string) {
		query := url.Values{}
		for i := 0; i < len(pairs); i += 2 {
			if pairs[i+1] != "" {
				query.Set(pairs[i], pairs[i+1])
			}
		}
		all = append(all, query)
	}
	team, order := string(rapid.SampledFrom(m.teams).Draw(rt, "listed team")), rapid.SampledFrom([]string{"", "asc", "desc"}).Draw(rt, "order")
	search := rapid.SampledFrom(searches).Draw(rt, "search")
	for _, status := range []string{"", "pending", "active", "suspended", "removed"} {
		for _, narrow := range [][2]string{{"role", ""}, {"role", "developer"}, {"team", team}, {"kind", "service"}, {"kind", "person"}} {
			add("status", status, narrow[0], narrow[1], "order", order)
			add("status", status, narrow[0], narrow[1], "search", search)
		}
		add("status", status, "sort", "name", "order", order)
		add("status", status, "sort", "created", "order", order)
	}
	add("sort", "last_active", "order", order)
	add("sort", "spend")
	return rapid.Permutation(all).Draw(rt, "queries")[:12]
}

// TestEveryListIsThatOfItsMembers lets members of an organization come, change and
// go at random, and compares every list, in pages of any size, with what the
// members themselves say.
func TestEveryListIsThatOfItsMembers(t *testing.T) {
	t.Parallel()
	r := rostertest.New(t, member.Endpoints)
	rapid.Check(t, func(rt *rapid.T) {
		owner := membertest.Found(t, r)
		m := &model{
			r: r, owner: owner, all: []*one{{Member: owner.Member}},
			teams: []id.Team{membertest.AddTeam(t, r, owner.Organization), membertest.AddTeam(t, r, owner.Organization)},
		}
		for range rapid.IntRange(1, 25).Draw(rt, "steps") {
			m.step(t, rt)
		}
		r.Arrange(t)
		r.Arrange(t) // what arranging itself changed: when members were last active
		for _, query := range m.queries(rt) {
			want, got := m.wanted(query), m.listed(t, rt, query)
			if query.Get("sort") == "spend" { // equal amounts stand in any order
				want, got = m.amounts(want), m.amounts(got)
			}
			if !slices.Equal(got, want) {
				rt.Fatalf("%s:\n got %v\nwant %v", query.Encode(), got, want)
			}
		}
	})
}

// amounts are what members spent, to the step of their entry: pages are exact, and
// follow each other to the percent.
func (m *model) amounts(addresses []string) (all []string) {
	for _, address := range addresses {
		of := m.all[slices.IndexFunc(m.all, func(of *one) bool { return string(of.Email) == address })]
		all = append(all, fmt.Sprintf("%.2g", float64(of.spent)))
	}
	return all
}
