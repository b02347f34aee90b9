package access_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"

	"roster/internal/access"
	"roster/internal/api"
	"roster/internal/id"
	"roster/internal/permission"
	"roster/internal/policy"
	"roster/internal/route"
	"roster/internal/table"
)

// mandated calls with a credential, and returns the caller with their mandate as an
// item of the table keeps it.
func (w *world) mandated(t *testing.T, credential string) (by access.Actor, kept access.Mandate) {
	t.Helper()
	r := route.Of(route.GetOrganization)
	handle := api.NewHandler(w.Env, []api.Endpoint{
		api.Handle(r.ID, access.Member(w.Env), func(_ context.Context, a access.Actor, _ none) (none, error) {
			by = a
			return none{}, nil
		}),
	})
	answer, err := handle(t.Context(), events.APIGatewayV2HTTPRequest{
		RouteKey: r.Key, PathParameters: map[string]string{"org_id": string(w.org.ID)},
		Headers: map[string]string{"authorization": "Bearer " + credential},
		RequestContext: events.APIGatewayV2HTTPRequestContext{
			HTTP: events.APIGatewayV2HTTPRequestContextHTTPDescription{SourceIP: "192.0.2.7", UserAgent: "curl"},
		},
	})
	if err != nil || answer.StatusCode != 200 {
		t.Fatalf("%v %d %s", err, answer.StatusCode, answer.Body)
	}
	stored, err := attributevalue.Marshal(by.Mandate())
	if err != nil {
		t.Fatal(err)
	}
	if err := attributevalue.Unmarshal(stored, &kept); err != nil {
		t.Fatal(err)
	}
	return by, kept
}

// TestMandateStandsForItsGiver: a job is who created it, by key or session, also
// where a key bounds what it may do.
func TestMandateStandsForItsGiver(t *testing.T) {
	t.Parallel()
	maker := id.NewUser(time.Now())
	for name, change := range map[string]func(*world){
		"own key": nil,
		"key of another's making": func(w *world) {
			for key, record := range w.member.Keys {
				record.CreatedBy, record.Cap = maker, &access.Cap{Permissions: permission.Of(permission.MembersManage)}
				w.member.Keys[key] = record
			}
		},
	} {
		w := newWorld(t, change)
		for _, credential := range []string{w.token, w.key} {
			by, m := w.mandated(t, credential)
			got, err := access.ActingFor(t.Context(), w.Env, m, permission.MembersManage)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if got.Organization() != by.Organization() || got.User() != by.User() || got.Key() != by.Key() ||
				got.Holder() != by.Holder() || got.Permissions() != by.Permissions() || got.IsOwner() != by.IsOwner() ||
				got.Client() != by.Client() || got.Name() != by.Name() {
				t.Errorf("%s: %+v acts for %+v", name, got, by)
			}
		}
	}
}

// TestMandateEndsWithWhatItRestsOn: what would refuse the creator's next call
// refuses their job, but for the end of the session by which they called.
func TestMandateEndsWithWhatItRestsOn(t *testing.T) {
	t.Parallel()
	set := func(w *world, key table.Key, attribute string, value any) func(*testing.T) {
		return func(t *testing.T) { w.Set(t, key, attribute, value) }
	}
	for name, tt := range map[string]struct {
		end        func(w *world) func(*testing.T)
		token, key bool // which of the two mandates ends
	}{
		"suspended": {func(w *world) func(*testing.T) {
			return set(w, table.Member(w.org.ID, w.user.ID), "status", access.Suspended)
		}, true, true},
		"demoted": {func(w *world) func(*testing.T) {
			return set(w, table.Member(w.org.ID, w.user.ID), "role", permission.Viewer)
		}, true, true},
		"two-factor authentication required": {func(w *world) func(*testing.T) {
			return set(w, table.Organization(w.org.ID), "policy", policy.Policy{TwoFactorSince: w.Now().Add(-time.Hour)})
		}, true, true},
		"acceptance of the policy required": {func(w *world) func(*testing.T) {
			return func(t *testing.T) {
				w.Set(t, table.Organization(w.org.ID), "policy_url", "https://acme.example/policy")
				w.Set(t, table.Organization(w.org.ID), "require_policy_acceptance", true)
			}
		}, true, true},
		"organization suspended": {func(w *world) func(*testing.T) {
			return set(w, table.Organization(w.org.ID), "status", "suspended")
		}, true, true},
		"back after a suspension": {func(w *world) func(*testing.T) {
			return set(w, table.Member(w.org.ID, w.user.ID), "epoch", 4)
		}, true, false},
		"all sessions ended": {func(w *world) func(*testing.T) {
			return set(w, table.User(w.user.ID), "session_epoch", 1)
		}, true, false},
		"key revoked": {func(w *world) func(*testing.T) {
			return set(w, table.Member(w.org.ID, w.user.ID), "keys", map[id.Key]access.KeyRecord{})
		}, false, true},
		"key replaced": {func(w *world) func(*testing.T) {
			keys := map[id.Key]access.KeyRecord{}
			for key, record := range w.member.Keys {
				record.Digest = make([]byte, 32)
				keys[key] = record
			}
			return set(w, table.Member(w.org.ID, w.user.ID), "keys", keys)
		}, false, true},
		"logged out": {func(w *world) func(*testing.T) {
			return func(t *testing.T) {
				if err := w.Table.Transact(t.Context(), table.Write{Key: table.Session(w.user.ID, w.session.ID), Delete: true}); err != nil {
					t.Fatal(err)
				}
			}
		}, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, nil)
			_, byToken := w.mandated(t, w.token)
			_, byKey := w.mandated(t, w.key)
			tt.end(w)(t)
			for _, m := range []struct {
				access.Mandate
				ends bool
			}{{byToken, tt.token}, {byKey, tt.key}} {
				_, err := access.ActingFor(t.Context(), w.Env, m.Mandate, permission.MembersManage)
				if m.ends != errors.Is(err, access.ErrMandate) || !m.ends && err != nil {
					t.Errorf("by key %q: %v", m.Key(), err)
				}
			}
		})
	}
}

// TestEmptyMandateIsNobodys: neither the zero value nor an item that names nobody
// lets anyone act.
func TestEmptyMandateIsNobodys(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	if _, err := access.ActingFor(t.Context(), w.Env, access.Mandate{}, permission.MembersManage); !errors.Is(err, access.ErrMandate) {
		t.Errorf("the empty mandate: %v", err)
	}
}
