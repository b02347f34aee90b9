package acceptance_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"roster/internal/audit"
	"roster/internal/feature"
	"roster/internal/rostertest"
	"roster/internal/table"
)

// budgets are the request units that use cases may take, authentication
// included: what a call of the API costs at most.
var budgets = map[string]struct{ read, write float64 }{
	"register":                       {0, 20},
	"create organization":            {3, 12},
	"log in":                         {6, 3},
	"set up a second factor":         {3, 6},
	"turn a second factor on":        {4, 14},
	"turn a second factor off":       {5, 16},
	"log in with a code":             {6, 13},
	"update organization":            {3, 6},
	"invite":                         {7, 12},
	"accept, a new person":           {8, 22},
	"verify after a shared link":     {8, 22},
	"revoke invitation":              {4, 12},
	"ask to join":                    {6, 12},
	"approve":                        {6, 12},
	"reject":                         {6, 12},
	"change role":                    {3, 12},
	"suspend":                        {3, 12},
	"schedule a suspension":          {3, 12},
	"give an end date":               {3, 12},
	"suspend one of two owners":      {3, 12},
	"remove":                         {3, 12},
	"bulk edit":                      {5, 24}, // of two members
	"bulk removal":                   {5, 24}, // of two members
	"remove and hand over":           {24, 60},
	"preview of a removal":           {20, 0},
	"bulk edit by filter":            {3, 8},
	"bulk removal by filter":         {3, 8},
	"bulk invitation":                {13, 24}, // of two persons
	"create role":                    {5, 12},
	"update role":                    {5, 12},
	"delete role with members":       {5, 12},
	"give a role of one's own":       {4, 12},
	"create team":                    {4, 12},
	"rename team":                    {3, 14},
	"delete team":                    {4, 12},
	"join team":                      {4, 12},
	"leave team":                     {4, 12},
	"accept into a team":             {10, 24}, // 2 for the team
	"create service account":         {3, 12},
	"create key":                     {3, 12},
	"invite again":                   {7, 12},
	"resend invitation":              {6, 12},
	"accept, with an account":        {8, 22},
	"verify":                         {2, 4},
	"resend verification":            {3, 6},
	"register with the set-up token": {0, 22},
	"refresh":                        {4, 1},
	"log out":                        {2, 1},
	"switch organization":            {5, 4},
	"join by domain":                 {6, 14},
	"withdraw join request":          {5, 12},
	"unsuspend":                      {3, 12},
	"change metadata":                {3, 8}, // 2 for what it was
	"leave":                          {5, 14},
	"accept policy":                  {6, 8},
	"revoke key":                     {3, 8},
	"update key":                     {3, 8},
	"rotate key":                     {3, 8},
	"transfer key":                   {4, 14},
	"suspend organization":           {3, 6},
	"store connection":               {3, 12},
	"change connection":              {4, 14},
	"delete connection":              {4, 12},
	"store personal connection":      {3, 8},
	"delete organization":            {6, 12},
	"restore organization":           {5, 8},
	"update security":                {3, 8},
	"transfer ownership":             {9.5, 15}, // two members and two mails
	"reset the password":             {5, 7},
	"change the password":            {7, 11},
	"ask for a new password":         {4, 5},
	"end a session":                  {3, 1},
	"end all other sessions":         {3, 4},
	"end a member's sessions":        {3, 5},
	"end one of a member's sessions": {5, 7},
	"update billing":                 {3.5, 6},
	"update prices":                  {4, 6},
	"record usage":                   {27.5, 24*3.5 + 4}, // two chunks, each in a lane of the organization
	"limit a member":                 {4, 9},
	"ask for a limit":                {7, 10}, // 2 for the mail to each of those who manage members
	"ask for another limit":          {7, 10},
	"approve a limit request":        {5, 16},
	"decline a limit request":        {5, 12},
	"limit a key":                    {3, 9},
	"reserve":                        {2, 1},
	"commit a reservation":           {3, 7},
	"limit a team":                   {9.5, 12},
	"limit the organization":         {7.5, 24}, // 16 for the lanes of its pool
	"adjust usage":                   {7, 14},   // with its audit event, which is in an index
	"record a chunk":                 {7, 12},   // of two members, one of whom is in a limited team
	"reserve in pools":               {5, 3},
	"commit in pools":                {4, 9},
	"release in pools":               {3, 3},
	"release a reservation":          {2, 1},
}

// TestCapacity runs each story once and compares its units with its budget.
func TestCapacity(t *testing.T) {
	t.Parallel()
	for _, s := range stories {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			budget, ok := budgets[s.name]
			if !ok {
				t.Fatal("no budget")
			}
			w := newWorld(t)
			request, credential, body := s.prepare(t, w)
			before := w.DumpItems(t)
			ctx, capacity := table.WithCapacity(t.Context())
			if answer := w.CallContext(t, ctx, request, credential, body); answer.Status >= 300 {
				t.Fatalf("%d %s", answer.Status, answer.Raw)
			}
			w.checkEvents(t, before)
			read, write := capacity.Units()
			t.Logf("%.1f RRU, %.1f WRU in %d calls", read, write, len(capacity.Calls()))
			if read > budget.read || write > budget.write {
				t.Errorf("%.1f RRU and %.1f WRU, want at most %.1f and %.1f:\n%v", read, write, budget.read, budget.write, capacity.Calls())
			}
		})
	}
}

// changeless are the actions of events that show neither what was before nor what is
// after: they say that something was done.
var changeless = []audit.Action{
	audit.InvitationResent, audit.MemberSessionsEnded, audit.PasswordChanged, audit.PasswordReset, audit.TwoFactorEnabled, audit.TwoFactorDisabled,
}

// checkEvents expects of each audit event that was not there before that it says from
// where it was made, and what changed.
func (w world) checkEvents(t testing.TB, before map[table.Key]map[string]any) {
	t.Helper()
	for key, event := range w.DumpItems(t) {
		if _, old := before[key]; old || !strings.HasPrefix(key.PK, "AU#") {
			continue
		}
		actor := event["actor"].(map[string]any)
		if actor["ip"] != w.IP() || actor["id"] == nil {
			t.Errorf("%v by %v", event["action"], actor)
		}
		action := audit.Action(event["action"].(string))
		if event["before"] == nil && event["after"] == nil && !slices.Contains(changeless, action) {
			t.Errorf("%v shows nothing that changed: %v", action, event)
		}
	}
}

// TestCapacityOfTheHotPath: what gateways ask millions of times.
func TestCapacityOfTheHotPath(t *testing.T) {
	t.Parallel()
	w := world{rostertest.New(t, feature.All...)}
	p := w.owner(t, "owner@acme.example", "Acme")
	m := w.place(t, p.organization, "m@acme.example", "member", "active")
	w.Must(t, 200, "PUT /api/organizations/"+string(p.organization)+"/prices", p.key, map[string]any{"default_tariff": map[string]any{
		"input_cost_per_token": "0.00001", "output_cost_per_token": "0.00005"}})
	w.Must(t, 200, "PUT /api/organizations/"+string(p.organization), p.key, map[string]any{"policy_url": policyURL, "require_policy_acceptance": true})
	w.Must(t, 200, "POST /api/organizations/"+string(p.organization)+"/policy/accept", m.token, nil)
	event := func(i int) map[string]any {
		return map[string]any{"events": []any{map[string]any{
			"id": fmt.Sprint("e", i), "model": "openai/gpt-4o", "input_tokens": 1200, "output_tokens": 300, "cost_usd": 0.006,
		}}}
	}
	uncosted := func(i int) map[string]any {
		of := event(i)
		delete(of["events"].([]any)[0].(map[string]any), "cost_usd")
		return of
	}
	w.Must(t, 200, "POST /v1/usage", m.key, event(0))
	w.Must(t, 200, "POST /v1/authorize", m.key, nil)
	for _, call := range []struct {
		request     string
		body        any
		calls       int
		read, write float64
	}{
		{"POST /v1/authorize", nil, 1, 1, 0},
		{"GET /v1/authorize", nil, 1, 1, 0},
		{"POST /v1/usage", event(1), 2, 1, 6},
		{"POST /v1/usage", uncosted(2), 4, 2.5, 6}, // the first in this process: which prices are in force, and what they are
		{"POST /v1/usage", uncosted(3), 2, 1, 6},
	} {
		ctx, capacity := table.WithCapacity(t.Context())
		if answer := w.CallContext(t, ctx, call.request, m.key, call.body); answer.Status != 200 {
			t.Fatalf("%s: %s", call.request, answer.Raw)
		}
		read, write := capacity.Units()
		if read > call.read || write > call.write || len(capacity.Calls()) > call.calls {
			t.Errorf("%s: %.1f RRU, %.1f WRU: %v", call.request, read, write, capacity.Calls())
		}
	}
}
