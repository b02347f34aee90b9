package deletion_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"roster/internal/deletion"
	"roster/internal/feature"
	"roster/internal/id"
	"roster/internal/organization"
	"roster/internal/rostertest"
	"roster/internal/table"
)

const password = "newpassword123"

// world is a deployment with an organization, Acme, that has some of everything,
// and another one, Rival, with some of the same people.
type world struct {
	*rostertest.Roster
	fuse *rostertest.Fuse
	org  id.Organization
	// Access tokens of Acme and API keys.
	owner, ownerKey   string
	member, memberKey string
	memberID          id.User
	// link is the token of an open invitation to Acme.
	link  string
	rival id.Organization
}

func newWorld(t *testing.T) world {
	t.Helper()
	w := world{fuse: new(rostertest.Fuse)}
	w.Roster = rostertest.NewWith(t, func(next http.RoundTripper) http.RoundTripper {
		w.fuse.Next = next
		return w.fuse
	}, feature.All...)
	w.org, w.owner = w.found(t, "owner@example.com", "Acme")
	w.ownerKey = w.key(t, w.owner, w.org)
	var rivalOwner string
	w.rival, rivalOwner = w.found(t, "rival@example.com", "Rival")
	in := w.join(t, w.owner, w.org, "member@example.com", "")
	w.member, w.memberID = in.String("access_token"), id.User(in.String("user", "id"))
	w.memberKey = w.key(t, w.member, w.org)
	w.Advance(time.Second)
	w.join(t, rivalOwner, w.rival, "member@example.com", w.member)
	return w
}

// found makes an owner and their organization.
func (w world) found(t *testing.T, address, name string) (id.Organization, string) {
	t.Helper()
	in := w.Must(t, 201, "POST /auth/register", "", map[string]any{
		"email": address, "password": password, "name": "Olivia", "organization": name})
	w.Must(t, 200, "POST /auth/verify-email", "", map[string]any{"token": w.LastMail(t, address).LinkToken()})
	return in.OrganizationOf(), in.String("access_token")
}

// join makes an address a member, with the credential that it has already or a new account.
func (w world) join(t *testing.T, by string, org id.Organization, address, credential string) rostertest.Response {
	t.Helper()
	w.Must(t, 201, "POST /api/organizations/"+string(org)+"/members/invite", by, map[string]any{"email": address, "role": "member"})
	body := map[string]any{"token": w.LastMail(t, address).LinkToken()}
	if credential == "" {
		body["password"], body["name"] = password, "Someone"
	}
	return w.Must(t, 200, "POST /auth/accept-invite", credential, body)
}

func (w world) key(t *testing.T, credential string, org id.Organization) string {
	t.Helper()
	return w.Must(t, 201, "POST /api/organizations/"+string(org)+"/keys", credential, map[string]any{"name": "key"}).String("key", "secret")
}

func (w world) path() string { return "/api/organizations/" + string(w.org) }

// fill gives Acme some of everything that organizations have.
func (w *world) fill(t *testing.T) {
	t.Helper()
	w.Must(t, 200, "PUT "+w.path(), w.owner, map[string]any{"allow_join_requests": true, "default_monthly_limit": 50})
	w.link = strings.Split(w.Must(t, 201, "POST "+w.path()+"/members/invite", w.owner,
		map[string]any{"email": "invited@example.com"}).String("invitation", "link"), "#")[1]
	for _, address := range []string{"removed@example.com", "suspended@example.com"} {
		user := w.join(t, w.owner, w.org, address, "").String("user", "id")
		if address == "removed@example.com" {
			w.Must(t, 200, "DELETE "+w.path()+"/members/"+user, w.owner, nil)
		} else {
			w.Must(t, 200, "POST "+w.path()+"/members/"+user+"/suspend", w.owner, map[string]any{"reason": "Paused"})
		}
	}
	w.Must(t, 201, "POST "+w.path()+"/service-accounts", w.owner, map[string]any{"name": "gateway"})
	w.Must(t, 201, "POST "+w.path()+"/connections", w.owner, map[string]any{
		"provider": "openai", "name": "shared", "credential": "a-credential-of-openai"})
	w.Must(t, 201, "POST "+w.path()+"/roles", w.owner, map[string]any{"name": "analyst", "permissions": []string{"usage:read_own"}})
	w.Must(t, 200, "PUT "+w.path()+"/prices", w.owner, map[string]any{"prices": map[string]any{"gpt-4o": map[string]any{"input_cost_per_token": 0}}})
	asks := w.Must(t, 201, "POST /auth/register", "", map[string]any{"email": "asks@example.com", "password": password, "name": "Asks"})
	w.Must(t, 201, "POST "+w.path()+"/join-requests", asks.String("access_token"), map[string]any{})
	event := func(event string, of any) map[string]any {
		e := map[string]any{"id": event, "model": "openai/gpt-5", "input_tokens": 10, "output_tokens": 5, "cost_usd": 0.25}
		if of != nil {
			e["user_id"] = of
		}
		return e
	}
	w.Must(t, 200, "POST /v1/usage", w.memberKey, map[string]any{"events": []any{event("own-1", nil), event("own-2", nil)}})
	w.Must(t, 200, "POST /v1/usage", w.ownerKey, map[string]any{"events": []any{event("for-1", w.memberID), event("for-2", w.memberID)}})
	for _, credential := range []string{w.member, w.owner} {
		test := w.Must(t, 201, "POST "+w.path()+"/keys", credential, map[string]any{"name": "sandbox", "test": true}).String("key", "secret")
		w.Must(t, 200, "POST /v1/usage", test, map[string]any{"events": []any{event("own-1", nil), event("own-2", nil)}})
	}
	w.Must(t, 200, "PUT "+w.path()+"/spending-limits", w.owner, map[string]any{"user_id": w.memberID, "monthly_limit": 1})
	w.Must(t, 429, "POST /v1/authorize", w.memberKey, nil) // which is warned about
	if err := w.Table.Transact(t.Context(), table.Write{Key: table.Near(w.org, w.memberID), Put: struct{}{}}); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		asked := w.Must(t, 201, "POST "+w.path()+"/limit-requests", w.member, map[string]any{"monthly_limit": 5, "reason": "More."})
		w.Must(t, 200, "POST "+w.path()+"/limit-requests/"+asked.String("limit_request", "id")+"/decline", w.owner, nil)
	}
	w.Must(t, 201, "POST "+w.path()+"/limit-requests", w.member, map[string]any{"monthly_limit": 5, "reason": "More."})
	w.Must(t, 200, "PUT "+w.path()+"/spending-limits", w.owner, map[string]any{"user_id": w.memberID, "monthly_limit": "inherit"})
}

// delete deletes Acme.
func (w world) delete(t *testing.T) rostertest.Response {
	t.Helper()
	return w.Must(t, 200, "DELETE "+w.path(), w.owner, map[string]any{"password": password, "confirm": "Acme"})
}

// ownerToken logs Acme's owner in, whose token may have expired.
func (w world) ownerToken(t *testing.T) string {
	t.Helper()
	return w.Must(t, 200, "POST /auth/login", "", map[string]any{"email": "owner@example.com", "password": password, "org_id": w.org}).String("access_token")
}

// sweep runs the scheduled function.
func (w world) sweep(t *testing.T) error {
	t.Helper()
	return w.sweepIn(t.Context())
}

func (w world) sweepIn(ctx context.Context) error {
	return deletion.Service{Env: w.Env}.Sweep(ctx, events.EventBridgeEvent{})
}

func (w world) mustSweep(t *testing.T) {
	t.Helper()
	if err := w.sweep(t); err != nil {
		t.Fatal(err)
	}
}

// about is every item that names the organization, by its key.
func (w world) about(t *testing.T, org id.Organization) map[table.Key]map[string]any {
	t.Helper()
	all := w.DumpItems(t, "TH#", "IK#", "OB#", "U#")
	for key := range all {
		if !strings.Contains(key.PK, string(org)) && !strings.HasPrefix(key.SK, string(org)+"#") {
			delete(all, key)
		}
	}
	return all
}

// rest is every item that is not the organization's: other organizations,
// accounts, sessions.
func (w world) rest(t *testing.T, org id.Organization) map[table.Key]map[string]any {
	t.Helper()
	all := w.DumpItems(t, "TH#", "IK#", "OB#")
	for key := range all {
		if strings.Contains(key.PK, string(org)) || key.SK == "M#"+string(org) || strings.HasPrefix(key.SK, string(org)+"#") {
			delete(all, key)
		}
	}
	return all
}

func (w world) status(t *testing.T) organization.Status {
	t.Helper()
	o, err := organization.Get(t.Context(), w.Table, w.org)
	if err != nil || o == nil {
		t.Fatalf("no organization (%v)", err)
	}
	return o.Status
}
