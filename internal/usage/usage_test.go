package usage_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"roster/internal/access"
	"roster/internal/id"
	"roster/internal/limit"
	"roster/internal/member"
	"roster/internal/member/membertest"
	"roster/internal/permission"
	"roster/internal/price"
	"roster/internal/rostertest"
	"roster/internal/table"
	"roster/internal/usage"
)

// company is an organization with an owner and a gateway.
type company struct {
	*rostertest.Roster
	owner, gateway membertest.Member
}

func newCompany(t testing.TB) company {
	t.Helper()
	return newCompanyWith(t, func(next http.RoundTripper) http.RoundTripper { return next })
}

func newCompanyWith(t testing.TB, transport func(http.RoundTripper) http.RoundTripper) company {
	t.Helper()
	r := rostertest.NewWith(t, transport, usage.AuthorizeEndpoints, usage.MeterEndpoints, usage.ReportEndpoints, price.Endpoints, limit.Endpoints)
	owner := membertest.Found(t, r)
	return company{r, owner, membertest.Add(t, r, member.Member{
		Organization: owner.Organization, Kind: member.ServiceAccount, Name: "Gateway", Role: permission.Gateway,
	})}
}

func (c company) add(t testing.TB, role string) membertest.Member {
	t.Helper()
	return membertest.Add(t, c.Roster, member.Member{Organization: c.owner.Organization, Role: role})
}

// change makes a member other than they are.
func (c company) change(t testing.TB, user id.User, to func(*member.Member)) {
	t.Helper()
	membertest.Change(t, c.Roster, c.owner.Organization, user, to)
}

func (c company) setOrganization(t testing.TB, attribute string, value any) {
	t.Helper()
	c.Set(t, table.Organization(c.owner.Organization), attribute, value)
}

// ten gives a member ten keys in all.
func (c company) ten(t testing.TB, user id.User) {
	t.Helper()
	c.change(t, user, func(m *member.Member) {
		for len(m.Keys) < 10 {
			key := id.NewKey(c.Now(), m.ID)
			_, digest := access.NewKeyText(m.Organization, m.ID, key)
			m.Keys[key] = access.KeyRecord{Name: "key of a laptop", Digest: digest[:], Hint: "abcd", CreatedBy: m.ID, CreatedAt: c.Now()}
		}
	})
}

type object = map[string]any

// event is a call of a model by whoever reports it.
func event(id, cost string, more ...object) object {
	e := object{
		"id": id, "model": "openai/gpt-4o", "input_tokens": 1000, "output_tokens": 200, "cost_usd": cost,
	}
	for _, m := range more {
		for name, value := range m {
			e[name] = value
		}
	}
	return e
}

func of(user id.User) object { return object{"user_id": user} }

func at(time string) object { return object{"occurred_at": time} }

// report posts events, and returns what became of each: "recorded", or
// "rejected:conflict".
func (c company) report(t testing.TB, credential string, events ...object) []string {
	t.Helper()
	return outcomes(c.Must(t, 200, "POST /v1/usage", credential, object{"events": events}))
}

func outcomes(answer rostertest.Response) []string {
	results, _ := answer.At("results").([]any)
	all := make([]string, len(results))
	for i, r := range results {
		result := r.(object)
		all[i] = result["status"].(string)
		if code, ok := result["code"]; ok {
			all[i] += ":" + code.(string)
		}
	}
	return all
}

// usage is the answer of the usage report.
func (c company) usage(t testing.TB, query string) rostertest.Response {
	t.Helper()
	return c.Must(t, 200, c.usagePath(query), c.owner.Secret, nil)
}

func (c company) usagePath(query string) string {
	return fmt.Sprintf("GET /api/organizations/%s/usage?%s", c.owner.Organization, query)
}

// rows shows the report's rows as "name requests input output cost models".
func (c company) rows(t testing.TB, query string, names map[id.User]string) []string {
	t.Helper()
	return rows(c.usage(t, query), names)
}

func rows(report rostertest.Response, names map[id.User]string) []string {
	var all []string
	list, _ := report.At("usage", "by_member").([]any)
	for _, r := range list {
		row := r.(object)
		models := fmt.Sprint(row["top_models"])
		all = append(all, strings.TrimSpace(fmt.Sprintf("%s %v %v %v %v %s", names[id.User(row["user_id"].(string))],
			row["requests"], row["input_tokens"], row["output_tokens"], row["cost_usd"], models)))
	}
	return all
}

// team adds members.
func (c company) team(t testing.TB, size int) []id.User {
	t.Helper()
	all := make([]id.User, size)
	for i := range all {
		all[i] = c.add(t, permission.Member).ID
	}
	return all
}

// batchOf is events of members in turn.
func batchOf(size int, name string, members []id.User) []object {
	name = strings.ReplaceAll(name, " ", "-")
	events := make([]object, size)
	for i := range events {
		events[i] = event(fmt.Sprintf("%s-%d", name, i), "0.000123", of(members[i%len(members)]))
	}
	return events
}
