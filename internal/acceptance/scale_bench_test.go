package acceptance_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"roster/internal/access"
	"roster/internal/email"
	"roster/internal/field"
	"roster/internal/id"
	"roster/internal/member"
	"roster/internal/money"
	"roster/internal/permission"
	"roster/internal/spent"
	"roster/internal/table"
)

// many is how many members a large organization has.
const many = 100_000

// listsRead are the lists of entries that BenchmarkListOfMany reads, by how their
// partitions end: storing the others would take hours.
var listsRead = []string{"#address#active", "#address#all#role#developer", "#name#all", "#created#all", "#word#all"}

// enlarge stores that many members of an organization with their entries in the
// lists that are read, as the table's stream would come to keep them. Every fifth
// has spent something.
func (w world) enlarge(b *testing.B, org id.Organization, members int) {
	b.Helper()
	const chunk = 50
	group, ctx := errgroup.WithContext(b.Context())
	group.SetLimit(4)
	for first := 0; first < members; first += chunk {
		group.Go(func() error {
			var (
				writes, months []table.Write
				keys, entries  []table.Key
			)
			for i := first; i < first+chunk; i++ {
				m := member.Member{
					ID: id.NewUser(w.Now()), Organization: org, Kind: member.Person, Role: permission.Member, Status: access.Active, Epoch: 1,
					Email: email.Address(fmt.Sprintf("m%06d@example.com", i)), Name: field.Name(fmt.Sprintf("Ada Lovelace %06d", i)),
					CreatedAt: w.Now().Add(-time.Duration(i) * time.Minute),
				}
				if i%3 == 0 {
					m.Role = permission.Developer
				}
				writes = append(writes, member.Save(nil, m, w.Now())[0])
				keys = append(keys, writes[len(writes)-1].Key)
				if i%5 == 0 {
					cost := money.Amount(i+1) * money.USD / 100
					months = append(months, table.Write{Key: table.MemberMonth(org, m.ID, "2026-11"), Put: map[string]any{"c": int64(cost)}})
					entries = append(entries, spent.Entry(org, m.ID, "2026-11", cost))
				}
			}
			if err := w.Table.Transact(ctx, slices.Concat(writes, months)...); err != nil {
				return err
			}
			items := make([]table.Item, len(keys))
			reads := make([]table.Read, len(keys))
			for i, key := range keys {
				reads[i] = table.Raw(key, &items[i])
			}
			if err := w.Table.Get(ctx, reads...); err != nil {
				return err
			}
			for i, key := range keys {
				has, err := member.Entries(key, items[i])
				if err != nil {
					return err
				}
				for _, entry := range has {
					if slices.ContainsFunc(listsRead, func(end string) bool { return strings.HasSuffix(entry.PK, end) }) {
						entries = append(entries, entry)
					}
				}
			}
			return w.Table.Place(ctx, entries, nil)
		})
	}
	if err := group.Wait(); err != nil {
		b.Fatal(err)
	}
}

// BenchmarkListOfMany reads lists of a large organization to their end, and compares
// the first page with the last: what they cost, and how long each takes.
func BenchmarkListOfMany(b *testing.B) {
	w := newWorld(b)
	p := w.owner(b, "owner@acme.example", "Acme")
	began := time.Now()
	w.enlarge(b, p.organization, many)
	b.Logf("%d members stored in %v", many, time.Since(began).Round(time.Second))
	for _, list := range []string{"", "status=active", "role=developer", "sort=name", "sort=created", "search=ada", "sort=spend"} {
		b.Run("list="+list, func(b *testing.B) {
			path := "GET /api/organizations/" + string(p.organization) + "/members?limit=50&" + list
			page := func(cursor string) (next string, read float64, took time.Duration) {
				ctx, capacity := table.WithCapacity(b.Context())
				began := time.Now()
				answer := w.CallContext(b, ctx, path+"&cursor="+cursor, p.key, nil)
				took = time.Since(began)
				if answer.Status != 200 {
					b.Fatalf("%d %s", answer.Status, answer.Raw)
				}
				read, _ = capacity.Units()
				return answer.String("next_cursor"), read, took
			}
			page("")
			cursor, first, fastest := page("")
			pages, last, slowest := 1, first, fastest
			for b.Loop() {
				for cursor, pages = "", 0; ; pages++ {
					next, read, took := page(cursor)
					if next == "" {
						break
					}
					cursor, last, slowest = next, read, took
				}
			}
			b.ReportMetric(float64(pages), "pages")
			b.ReportMetric(first, "first-RRU")
			b.ReportMetric(last, "last-RRU")
			b.ReportMetric(float64(slowest)/float64(fastest), "last/first-time")
		})
	}
}
