package member_test

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
	"testing"

	"roster/internal/access"
	"roster/internal/email"
	"roster/internal/field"
	"roster/internal/id"
	"roster/internal/member"
	"roster/internal/member/membertest"
	"roster/internal/offboarding"
	"roster/internal/permission"
	"roster/internal/rostertest"
	"roster/internal/table"
)

func TestAPageOf50MembersCosts2ReadUnits(t *testing.T) {
	t.Parallel()
	r := rostertest.New(t, member.Endpoints, offboarding.Endpoints)
	owner := membertest.Found(t, r)
	for i := range 60 {
		membertest.Add(t, r, member.Member{
			Organization: owner.Organization, Role: permission.Developer,
			Email:    email.Address(fmt.Sprintf("ada.lovelace%02d@acme.com", i)),
			Name:     field.Name(fmt.Sprintf("Ada Lovelace %02d", i)),
			Metadata: `{"department":"Engineering"}`,
		})
	}
	r.Arrange(t)
	for _, list := range []string{"?limit=50", "?search=ada.love", "?search=ada&status=active"} {
		ctx, capacity := table.WithCapacity(t.Context())
		answer := r.CallContext(t, ctx, "GET "+members(owner)+list, owner.Secret, nil)
		if rows := answer.At("members").([]any); len(rows) != 50 || answer.String("next_cursor") == "" {
			t.Fatalf("%s: %d rows\n%s", list, len(rows), answer.Raw)
		}
		var pages float64
		for _, call := range capacity.Calls() {
			if call.Operation == "Query" {
				pages += call.Read
			}
		}
		if pages == 0 || pages > 2 {
			t.Errorf("%s: the page cost %v read units", list, pages)
		}
	}
}

// TestPagesOfEveryStatusAreExact lists members of all states in pages of every
// size: each member stands once in the lists where they belong, in order.
func TestPagesOfEveryStatusAreExact(t *testing.T) {
	t.Parallel()
	r := rostertest.New(t, member.Endpoints, offboarding.Endpoints)
	owner := membertest.Found(t, r)
	statuses := []member.Status{access.Suspended, access.Suspended, access.Suspended, access.Active, access.Pending, access.Removed}
	want := map[string][]string{"": {string(owner.Email)}, "active": {string(owner.Email)}}
	for i := range 60 {
		m := member.Member{
			Organization: owner.Organization, Role: permission.Member, Status: statuses[i*i%7%len(statuses)],
			Email: email.Address(fmt.Sprintf("m%02d@example.com", i)),
		}
		switch m.Status {
		case access.Suspended:
			m.Suspension = &member.Suspension{Reason: "Unusual usage patterns", By: owner.ID, At: r.Now()}
		case access.Pending:
			m.Request = &member.JoinRequest{ID: id.NewJoinRequest(r.Now(), id.NewUser(r.Now())), At: r.Now()}
		}
		membertest.Add(t, r, m)
		want[string(m.Status)] = append(want[string(m.Status)], string(m.Email))
		if m.Status != access.Removed {
			want[""] = append(want[""], string(m.Email))
		}
	}
	r.Arrange(t)
	for status, addresses := range want {
		slices.Sort(addresses)
		for _, limit := range []int{1, 2, 7, 50, 100} {
			if got := listAll(t, r, owner, status, limit); !slices.Equal(got, addresses) {
				t.Errorf("status %q in pages of %d:\n got %v\nwant %v", status, limit, got, addresses)
			}
		}
	}
}

func listAll(t *testing.T, r *rostertest.Roster, by membertest.Member, status string, limit int) (addresses []string) {
	t.Helper()
	query := url.Values{"limit": {fmt.Sprint(limit)}}
	if status != "" {
		query.Set("status", status)
	}
	for {
		answer := r.Must(t, 200, "GET "+members(by)+"?"+query.Encode(), by.Secret, nil)
		rows := answer.At("members").([]any)
		if len(rows) > limit {
			t.Fatalf("%d rows in a page of %d", len(rows), limit)
		}
		for _, row := range rows {
			addresses = append(addresses, row.(map[string]any)["email"].(string))
		}
		next := answer.String("next_cursor")
		if next == "" {
			return addresses
		}
		if len(rows) != limit {
			t.Errorf("a page of %d has %d rows and a next one", limit, len(rows))
		}
		query.Set("cursor", next)
	}
}

func TestACursorIsBoundToItsFilterAndOrganization(t *testing.T) {
	t.Parallel()
	r := rostertest.New(t, member.Endpoints, offboarding.Endpoints)
	owner, foreign := membertest.Found(t, r), membertest.Found(t, r)
	membertest.Add(t, r, member.Member{Organization: owner.Organization, Role: permission.Member})
	cursor := r.Must(t, 200, "GET "+members(owner)+"?limit=1", owner.Secret, nil).String("next_cursor")
	r.Must(t, 200, "GET /admin/users?limit=1&cursor="+cursor, owner.Secret, nil)
	r.Refused(t, 422, "invalid_input", "GET "+members(owner)+"?status=active&cursor="+cursor, owner.Secret, nil)
	r.Refused(t, 422, "invalid_input", "GET "+members(foreign)+"?cursor="+cursor, foreign.Secret, nil)
	r.Refused(t, 404, "organization_not_found", "GET "+members(owner), foreign.Secret, nil)
}

// TestWhoeverWaitsHasNoUserID: an invitation and a join request are rows by
// which one acts on them.
func TestWhoeverWaitsHasNoUserID(t *testing.T) {
	t.Parallel()
	r := rostertest.New(t, member.Endpoints, offboarding.Endpoints)
	owner := membertest.Found(t, r)
	request := id.NewJoinRequest(r.Now(), id.NewUser(r.Now()))
	asks := membertest.Add(t, r, member.Member{
		Organization: owner.Organization, Email: "asks@example.com", Status: access.Pending,
		Request: &member.JoinRequest{ID: request, Message: "Please", At: r.Now()},
	})
	invitation := id.NewInvitation(r.Now(), "invited@example.com")
	if err := r.Table.Transact(t.Context(), table.Write{
		Key: table.Invitation(owner.Organization, id.AddressHash("invited@example.com")),
		Put: map[string]any{
			"kind": "invitation", "id": invitation, "email": "invited@example.com", "role": "developer", "status": "pending",
			"metadata": `{"team":"Backend"}`, "created_at": r.Now(), "updated_at": r.Now(),
			"list_pk": member.ListPartition(owner.Organization), "list_sk": "invited@example.com",
			"state_pk": member.StatePartition(owner.Organization, access.Pending), "state_sk": "invited@example.com",
		},
	}); err != nil {
		t.Fatal(err)
	}
	rows := r.Must(t, 200, "GET "+members(owner)+"?status=pending", owner.Secret, nil).At("members").([]any)
	if len(rows) != 2 {
		t.Fatalf("%d rows, want 2", len(rows))
	}
	for i, want := range []map[string]any{
		{"user_id": nil, "request_id": string(request), "email": "asks@example.com", "status": "pending", "kind": "person"},
		{"user_id": nil, "invitation_id": string(invitation), "email": "invited@example.com", "role": "developer",
			"status": "pending", "kind": "person", "created_at": "2026-11-22T10:00:00Z"},
	} {
		for name, value := range want {
			if got := rows[i].(map[string]any)[name]; got != value {
				t.Errorf("row %d: %s is %v, want %v", i, name, got, value)
			}
		}
	}
	r.Refused(t, 409, "wrong_status", "DELETE "+members(owner)+"/"+string(asks.ID), owner.Secret, nil)
	r.Refused(t, 409, "wrong_status", "PUT "+members(owner)+"/"+string(asks.ID), owner.Secret, map[string]any{"alias": "a"})
}

func TestListsCanBeNarrowed(t *testing.T) {
	t.Parallel()
	r := rostertest.New(t, member.Endpoints, offboarding.Endpoints)
	owner := membertest.Found(t, r)
	// Addresses of people without a given one hold no i, l, o or u: they are made
	// of ids.
	for _, m := range []member.Member{
		{Email: "ianna@acme.com", Role: permission.Developer},
		{Email: "ianton@acme.com", Role: permission.Viewer},
		{Email: "iantonia@acme.com", Role: permission.Developer, Status: access.Suspended},
		{Email: "iberta@acme.com", Role: permission.Developer},
		{Kind: member.ServiceAccount, Name: "Iantenna", Role: permission.Gateway},
	} {
		m.Organization = owner.Organization
		membertest.Add(t, r, m)
	}
	r.Arrange(t)
	for query, want := range map[string][]string{
		"search=iant":                            {"Iantenna", "ianton@acme.com", "iantonia@acme.com"},
		"search=IANTON":                          {"ianton@acme.com", "iantonia@acme.com"},
		"search=ianton%40":                       {"ianton@acme.com"},
		"search=u":                               {},
		"role=developer":                         {"ianna@acme.com", "iantonia@acme.com", "iberta@acme.com"},
		"role=developer&status=active":           {"ianna@acme.com", "iberta@acme.com"},
		"role=developer&search=ian":              {"ianna@acme.com", "iantonia@acme.com"},
		"status=suspended&search=iant":           {"iantonia@acme.com"},
		"status=suspended&role=viewer":           {},
		"role=developer&limit=1":                 {"ianna@acme.com"},
		"search=iant&role=gateway&status=active": {"Iantenna"},
		"kind=service":                           {"Iantenna"},
		"kind=service&status=suspended":          {},
		"kind=service&search=iant":               {"Iantenna"},
		"kind=person&search=iant":                {"ianton@acme.com", "iantonia@acme.com"},
		"kind=person&status=suspended":           {"iantonia@acme.com"},
		"kind=person&search=i&limit=2":           {"ianna@acme.com", "ianton@acme.com"},
	} {
		answer := r.Must(t, 200, "GET "+members(owner)+"?"+query, owner.Secret, nil)
		got := []string{}
		for _, row := range answer.At("members").([]any) {
			m := row.(map[string]any)
			name := m["email"].(string)
			if name == "" {
				name = m["name"].(string)
			}
			got = append(got, name)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", query, got, want)
		}
	}
	for _, refused := range []string{"role=no-such-role", "kind=invitation", "orphaned=false", "kind=person&orphaned=true"} {
		r.Refused(t, 422, "invalid_input", "GET "+members(owner)+"?"+refused, owner.Secret, nil)
	}
	next := r.Must(t, 200, "GET "+members(owner)+"?search=ian&limit=1", owner.Secret, nil).String("next_cursor")
	r.Refused(t, 422, "invalid_input", "GET "+members(owner)+"?search=b&limit=1&cursor="+url.QueryEscape(next), owner.Secret, nil)
}

func TestOnlyAnAdministratorAnswersForAServiceAccount(t *testing.T) {
	t.Parallel()
	r := rostertest.New(t, member.Endpoints, offboarding.Endpoints)
	owner := membertest.Found(t, r)
	plain := membertest.Add(t, r, member.Member{Organization: owner.Organization, Role: permission.Member, Email: "plain@acme.com"})
	admin := membertest.Add(t, r, member.Member{Organization: owner.Organization, Role: permission.Admin, Email: "admin@acme.com"})
	path := "POST /api/organizations/" + string(owner.Organization) + "/service-accounts"
	r.Refused(t, 422, "invalid_input", path, owner.Secret, map[string]any{"name": "bot", "responsible": plain.ID})
	r.Must(t, 201, path, owner.Secret, map[string]any{"name": "bot", "responsible": admin.ID})
}

// TestEveryCombinationIsAListOrARefusalOfAParameter asks for every combination of
// filters, orders and directions.
func TestEveryCombinationIsAListOrARefusalOfAParameter(t *testing.T) {
	t.Parallel()
	r := rostertest.New(t, member.Endpoints, offboarding.Endpoints)
	owner := membertest.Found(t, r)
	team := string(id.NewTeam(r.Now()))
	lists := 0
	for _, status := range []string{"", "active", "pending"} {
		for _, role := range []string{"", "owner"} {
			for _, in := range []string{"", team} {
				for _, of := range [][2]string{{"", ""}, {"service", ""}, {"person", ""}, {"", "true"}, {"service", "true"}, {"person", "true"}} {
					for _, search := range []string{"", "a"} {
						for _, sort := range []string{"", "email", "name", "created", "spend", "last_active"} {
							for _, order := range []string{"", "asc", "desc"} {
								if askCombination(t, r, owner, map[string]string{
									"status": status, "role": role, "team": in, "kind": of[0], "orphaned": of[1],
									"search": search, "sort": sort, "order": order,
								}) {
									lists++
								}
							}
						}
					}
				}
			}
		}
	}
	// By address: 3 statuses, 5 ways to narrow, 2 names of the order, 3 directions;
	// by search: 3 and 5; by name and creation: 3 statuses, 3 directions each; by
	// spend: 2 directions; by last activity: 3; orphaned: 2 ways to say it.
	if want := 3*5*2*3 + 3*5 + 2*3*3 + 2 + 3 + 2; lists != want {
		t.Errorf("%d combinations are lists, want %d", lists, want)
	}
}

func askCombination(t *testing.T, r *rostertest.Roster, by membertest.Member, asked map[string]string) bool {
	t.Helper()
	query := url.Values{}
	for name, value := range asked {
		if value != "" {
			query.Set(name, value)
		}
	}
	answer := r.Call(t, "GET "+members(by)+"?"+query.Encode(), by.Secret, nil)
	if answer.Status == 200 {
		return true
	}
	faults, _ := answer.At("errors").([]any)
	if answer.Status != 422 || len(faults) == 0 {
		t.Errorf("%s: %d %s", query.Encode(), answer.Status, answer.Raw)
	}
	for _, fault := range faults {
		if parameter, _ := fault.(map[string]any)["parameter"].(string); asked[parameter] == "" {
			t.Errorf("%s: refused for %q, which was not given", query.Encode(), parameter)
		}
	}
	return false
}

// TestTheLastPageCostsWhatTheFirstDoes: also where few of many are listed.
func TestTheLastPageCostsWhatTheFirstDoes(t *testing.T) {
	t.Parallel()
	r := rostertest.New(t, member.Endpoints, offboarding.Endpoints)
	owner := membertest.Found(t, r)
	for i := range 300 {
		m := member.Member{
			Organization: owner.Organization, Role: permission.Member, Status: access.Suspended, Name: "Ada Lovelace",
			Email: email.Address(fmt.Sprintf("m%03d@example.com", i)),
		}
		if i%100 == 99 {
			m.Role, m.Status = permission.Viewer, access.Active
		}
		membertest.Add(t, r, m)
	}
	r.Arrange(t)
	for _, list := range []string{
		"", "status=active", "status=suspended", "role=viewer", "role=viewer&status=active", "sort=name", "sort=created",
		"sort=name&status=suspended&order=desc", "search=m", "search=love", "search=ada&status=active", "sort=last_active",
		"kind=person", "kind=person&search=love",
	} {
		costs := map[float64]bool{}
		pages, cursor := 0, ""
		for {
			ctx, capacity := table.WithCapacity(t.Context())
			answer := r.CallContext(t, ctx, "GET "+members(owner)+"?limit=20&cursor="+cursor+"&"+list, owner.Secret, nil)
			read, _ := capacity.Units()
			if rows := answer.At("members").([]any); len(rows) == 20 {
				costs[read] = true
			}
			if calls := len(capacity.Calls()); calls > 8 || read > 26 {
				t.Errorf("%s: page %d took %d calls and %v read units", list, pages, calls, read)
			}
			pages++
			if cursor = answer.String("next_cursor"); cursor == "" {
				break
			}
		}
		if most := slices.Max(append(slices.Collect(maps.Keys(costs)), 0)); len(costs) > 0 && most > slices.Min(slices.Collect(maps.Keys(costs)))+1 {
			t.Errorf("%s: full pages cost %v read units", list, slices.Sorted(maps.Keys(costs)))
		}
	}
}

// TestARowShowsWhatTheTableOfUsersHas: every column of it.
func TestARowShowsWhatTheTableOfUsersHas(t *testing.T) {
	t.Parallel()
	r := rostertest.New(t, member.Endpoints, offboarding.Endpoints)
	owner := membertest.Found(t, r)
	team := membertest.AddTeam(t, r, owner.Organization)
	ada := membertest.Add(t, r, member.Member{
		Organization: owner.Organization, Role: permission.Developer, Email: "ada@acme.com", Name: "Ada", Alias: "al",
		Teams: map[id.Team]member.TeamRole{team: access.TeamManager},
	})
	if err := r.Table.Transact(t.Context(), table.Write{
		Key:    table.MemberMonth(owner.Organization, ada.ID, "2026-11"),
		Update: "ADD #c :cost, #r :one, #r21 :one", Values: table.V{"cost": 45_500_000_000, "one": 1},
	}); err != nil {
		t.Fatal(err)
	}
	r.Arrange(t)
	want := map[string]any{
		"user_id": string(ada.ID), "email": "ada@acme.com", "name": "Ada", "alias": "al", "role": "developer", "status": "active",
		"spend": 45.5, "monthly_limit": nil, "daily_limit": nil, "sso_id": nil, "keys": 1.0,
		"last_active_at": "2026-11-21T00:00:00Z", "created_at": "2026-11-22T10:00:00Z", "updated_at": "2026-11-22T10:00:00Z",
	}
	for _, request := range []string{"GET " + members(owner) + "?search=ada", "GET " + members(owner) + "?sort=spend", "GET /admin/users?team=" + string(team), "GET " + path(ada)} {
		answer := r.Must(t, 200, request, owner.Secret, nil)
		row, ok := answer.At("member").(map[string]any)
		for _, list := range []string{"members", "users"} {
			if rows, isList := answer.At(list).([]any); isList {
				if len(rows) != 1 {
					t.Fatalf("%s: %s", request, answer.Raw)
				}
				row, ok = rows[0].(map[string]any)
			}
		}
		if !ok {
			t.Fatalf("%s: %s", request, answer.Raw)
		}
		for name, value := range want {
			if got, shown := row[name]; got != value || !shown {
				t.Errorf("%s: %s is %v, want %v", request, name, got, value)
			}
		}
		teams := row["teams"].([]any)
		if len(teams) != 1 || teams[0].(map[string]any)["id"] != string(team) || teams[0].(map[string]any)["role"] != "manager" {
			t.Errorf("%s: teams %v", request, teams)
		}
	}
}
