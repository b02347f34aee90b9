package connection_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"roster/internal/access"
	"roster/internal/account"
	"roster/internal/connection"
	"roster/internal/envelope"
	"roster/internal/id"
	"roster/internal/member"
	"roster/internal/member/membertest"
	"roster/internal/offboarding"
	"roster/internal/organization"
	"roster/internal/permission"
	"roster/internal/rostertest"
	"roster/internal/table"
	"roster/internal/usage"
)

type object = map[string]any

const secret = "sk-proj-a-credential-of-a-provider-w8Xz"

// company is an organization, and an account that is a member of it.
type company struct {
	*rostertest.Roster
	owner membertest.Member
}

func newCompany(t testing.TB) company {
	t.Helper()
	r := rostertest.New(t, account.Endpoints, connection.Endpoints, organization.Endpoints, member.Endpoints, offboarding.Endpoints, usage.AuthorizeEndpoints)
	c := company{r, membertest.Found(t, r)}
	c.Set(t, table.Organization(c.owner.Organization), "limit_mode", "observe") // no model needs a price
	return c
}

func (c company) path() string {
	return "/api/organizations/" + string(c.owner.Organization) + "/connections"
}

// person is someone with an account, and a member.
type person struct {
	membertest.Member
	token string
}

func (c company) person(t testing.TB, role string) person {
	t.Helper()
	in := c.Must(t, 201, "POST /auth/register", "", object{
		"email": strings.ToLower(string(id.NewUser(c.Now())))[4:] + "@example.com", "password": "newpassword123", "name": "Ada",
	})
	m := membertest.Add(t, c.Roster, member.Member{ID: id.User(in.String("user", "id")), Organization: c.owner.Organization, Role: role})
	return person{m, in.String("access_token")}
}

// new stores a connection, and returns its path.
func (c company) new(t testing.TB, provider string, more object) string {
	t.Helper()
	return c.path() + "/" + c.make(t, c.path(), c.owner.Secret, provider, more)
}

func (c company) make(t testing.TB, path, credential, provider string, more object) string {
	t.Helper()
	body := object{"name": "Main", "provider": provider, "credential": secret}
	for name, value := range more {
		body[name] = value
	}
	return c.Must(t, 201, "POST "+path, credential, body).String("connection", "id")
}

func TestAConnectionIsStoredShownChangedAndDeleted(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	ada := c.person(t, permission.Developer)
	for path, credential := range map[string]string{c.path(): c.owner.Secret, "/auth/connections": ada.token} {
		made := c.Must(t, 201, "POST "+path, credential, object{
			"name": "Main", "provider": "openai", "credential": object{"api_key": secret, "base_url": "https://llm.example.com/v1"},
		})
		one := path + "/" + made.String("connection", "id")
		if !strings.HasPrefix(made.String("connection", "id"), "con_") || made.String("connection", "hint") != "w8Xz" ||
			made.At("connection", "enabled") != true || made.String("connection", "provider") != "openai" {
			t.Errorf("%s", made.Raw)
		}
		c.Advance(time.Millisecond) // ids of one millisecond have no order
		second := c.make(t, path, credential, "azure", object{"enabled": false})
		listed := c.Must(t, 200, "GET "+path, credential, nil).At("connections").([]any)
		if len(listed) != 2 || listed[0].(object)["id"] != made.String("connection", "id") || listed[1].(object)["id"] != second {
			t.Errorf("listed %v", listed)
		}
		c.Advance(1)
		changed := c.Must(t, 200, "PUT "+one, credential, object{"name": "Second", "enabled": false, "credential": "another-key-of-the-provider-9QrS"})
		if changed.String("connection", "name") != "Second" || changed.String("connection", "hint") != "9QrS" ||
			changed.At("connection", "enabled") != false || changed.String("connection", "rotated_at") == made.String("connection", "rotated_at") {
			t.Errorf("%s", changed.Raw)
		}
		c.Advance(1)
		same := c.Must(t, 200, "PUT "+one, credential, object{"name": "Second"})
		if string(same.Raw) != string(changed.Raw) {
			t.Errorf("a PUT that changes nothing:\n%s\n%s", same.Raw, changed.Raw)
		}
		c.Must(t, 200, "DELETE "+one, credential, nil)
		for _, request := range []string{"DELETE " + one, "PUT " + one} {
			c.Refused(t, 404, "connection_not_found", request, credential, object{})
		}
		c.Refused(t, 404, "connection_not_found", "PUT "+one, credential, object{"credential": secret})
		if listed := c.Must(t, 200, "GET "+path, credential, nil).At("connections").([]any); len(listed) != 1 {
			t.Errorf("listed %v", listed)
		}
	}
}

// forms are those in which a credential could lie somewhere.
func forms(credential string) []string {
	b := []byte(credential)
	return []string{credential, hex.EncodeToString(b), base64.StdEncoding.EncodeToString(b)[:40], base64.RawURLEncoding.EncodeToString(b)[:40]}
}

func TestACredentialAppearsNowhere(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	ada := c.person(t, permission.Developer)
	var seen bytes.Buffer
	c.Log = slog.New(slog.NewJSONHandler(&seen, &slog.HandlerOptions{Level: slog.LevelDebug}))
	call := func(request, credential string, body object) rostertest.Response {
		answer := c.Call(t, request, credential, body, "Idempotency-Key", request+fmt.Sprint(len(body)))
		fmt.Fprintf(&seen, "%s %v\n", answer.Raw, answer.Header)
		return answer
	}
	for path, credential := range map[string]string{c.path(): c.owner.Secret, "/auth/connections": ada.token} {
		for range 2 { // the repeat is answered from the idempotency key
			call("POST "+path, credential, object{"name": "A", "provider": "openai", "credential": secret})
		}
		made := call("POST "+path, credential, object{"name": "B", "provider": "openai", "enabled": true, "credential": object{"secret": secret, "region": "eu"}})
		call("PUT "+path+"/"+made.String("connection", "id"), credential, object{"credential": secret + "-replaced"})
		call("PUT "+path+"/"+made.String("connection", "id"), credential, object{"credential": secret, "unknown": 1})
		call("GET "+path, credential, nil)
		call("DELETE "+path+"/"+made.String("connection", "id"), credential, nil)
		for _, refused := range []any{
			[]any{secret}, object{"a": object{"b": secret}}, object{"api_key": secret, "n": 1}, object{"api_key": ""}, secret + "\x00", strings.Repeat(secret, 300),
		} {
			if answer := call("POST "+path, credential, object{"name": "C", "provider": "openai", "credential": refused}); answer.Status != 422 {
				t.Errorf("%v: %d %s", refused, answer.Status, answer.Raw)
			}
		}
		call("POST "+path, credential, object{"name": secret + strings.Repeat("!", 64), "provider": secret, "credential": secret})
		call("POST "+path, "", object{"name": "D", "provider": "openai", "credential": secret})
	}
	var stored bytes.Buffer
	for key, item := range c.DumpItems(t) {
		fmt.Fprintf(&stored, "%v", key)
		for name, value := range item {
			fmt.Fprintf(&stored, "%s %v ", name, value)
			if b, ok := value.([]byte); ok {
				stored.Write(b)
			}
		}
	}
	for _, form := range forms(secret) {
		if strings.Contains(seen.String(), form) {
			t.Errorf("%s is in an answer or a log", form)
		}
		if strings.Contains(stored.String(), form) {
			t.Errorf("%s is in the table", form)
		}
	}
	if printed := fmt.Sprintf("%v %+v %#v", connection.Credential{}, connection.Credential{}, connection.Credential{}); strings.Contains(printed, "{") {
		t.Error(printed)
	}
}

func TestASealedCredentialOpensForItsOwnerAlone(t *testing.T) {
	t.Parallel()
	c, other := newCompany(t), newCompany(t)
	path := c.new(t, "openai", object{"credential": object{"api_key": secret, "base_url": "https://llm.example.com"}})
	con := id.Connection(path[strings.LastIndex(path, "/")+1:])
	var sealed *envelope.Sealed
	if err := c.Table.Get(t.Context(), table.Into(table.Credential(table.Connections(c.owner.Organization), con), &sealed)); err != nil {
		t.Fatal(err)
	}
	plain, err := c.Sealer.Open(t.Context(), *sealed, envelope.Context{"organization": string(c.owner.Organization), "connection": string(con)})
	if want := `{"api_key":"` + secret + `","base_url":"https://llm.example.com"}`; err != nil || string(plain) != want {
		t.Errorf("%s, %v", plain, err)
	}
	for _, context := range []envelope.Context{
		{"organization": string(other.owner.Organization), "connection": string(con)},
		{"organization": string(c.owner.Organization), "connection": string(id.NewConnection(c.Now()))},
		{"user": string(c.owner.ID), "connection": string(con)},
	} {
		if _, err := c.Sealer.Open(t.Context(), *sealed, context); !errors.Is(err, envelope.ErrSealed) {
			t.Errorf("opened in %v: %v", context, err)
		}
	}
}

func TestConnectionsOfOthersLookAbsent(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	ada, eve := c.person(t, permission.Developer), c.person(t, permission.Developer)
	adas := c.make(t, "/auth/connections", ada.token, "openai", nil)
	path := c.new(t, "openai", nil)
	companys := path[strings.LastIndex(path, "/")+1:]
	for _, one := range []string{adas, companys} {
		c.Refused(t, 404, "connection_not_found", "DELETE /auth/connections/"+one, eve.token, nil)
	}
	c.Refused(t, 404, "connection_not_found", "DELETE "+c.path()+"/"+adas, c.owner.Secret, nil)
	foreign := membertest.Found(t, c.Roster)
	c.Refused(t, 404, "organization_not_found", "DELETE "+path, foreign.Secret, nil)
	c.Refused(t, 404, "connection_not_found", "DELETE /api/organizations/"+string(foreign.Organization)+"/connections/"+companys, foreign.Secret, nil)
	for _, role := range []string{permission.Member, permission.Developer, permission.Viewer} {
		c.Refused(t, 403, "permission_denied", "GET "+c.path(), c.person(t, role).Secret, nil)
	}
	c.Must(t, 200, "GET "+c.path(), c.person(t, permission.Admin).Secret, nil)
}

func TestPersonalConnectionsRemainWithTheirOwner(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	ada := c.person(t, permission.Developer)
	one := c.make(t, "/auth/connections", ada.token, "openai", nil)
	c.Must(t, 200, "DELETE /api/organizations/"+string(c.owner.Organization)+"/members/"+string(ada.ID), c.owner.Secret, nil)
	listed := c.Must(t, 200, "GET /auth/connections", ada.token, nil).At("connections").([]any)
	if len(listed) != 1 || listed[0].(object)["id"] != one {
		t.Errorf("%v", listed)
	}
	c.Must(t, 200, "DELETE /auth/connections/"+one, ada.token, nil)
}

func TestOnlyOrganizationsConnectionsAreAudited(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	ada := c.person(t, permission.Developer)
	path := c.new(t, "openai", nil)
	c.Advance(1)
	c.Must(t, 200, "PUT "+path, c.owner.Secret, object{"credential": secret})
	c.Must(t, 200, "PUT "+path, c.owner.Secret, object{"enabled": false})
	c.Must(t, 200, "DELETE "+path, c.owner.Secret, nil)
	personal := c.make(t, "/auth/connections", ada.token, "openai", nil)
	c.Must(t, 200, "DELETE /auth/connections/"+personal, ada.token, nil)
	actions := map[string]int{}
	for key, item := range c.DumpItems(t) {
		if action, ok := item["action"].(string); ok && strings.HasPrefix(key.PK, "AU#") {
			actions[action]++
			if target := item["target"]; strings.HasPrefix(fmt.Sprint(target), "con_") && !strings.HasSuffix(path, fmt.Sprint(target)) {
				t.Errorf("%s of %v", action, target)
			}
		}
	}
	if actions["connection.created"] != 1 || actions["connection.updated"] != 2 || actions["connection.deleted"] != 1 {
		t.Errorf("%v", actions)
	}
}

func TestCredentialsAndProvidersThatAreRefused(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	path := c.new(t, "openai", nil)
	for _, refused := range []struct {
		request string
		body    object
		pointer string
		status  int
	}{
		{"POST " + c.path(), object{"provider": "openai", "credential": secret}, "/name", 422},
		{"POST " + c.path(), object{"name": "A", "credential": secret}, "/provider", 422},
		{"POST " + c.path(), object{"name": "A", "provider": "openai"}, "/credential", 422},
		{"POST " + c.path(), object{"name": "A", "provider": "openai", "credential": nil}, "/credential", 422},
		{"POST " + c.path(), object{"name": "A", "provider": "openai", "credential": ""}, "/credential", 422},
		{"POST " + c.path(), object{"name": "A", "provider": "openai", "credential": object{}}, "/credential", 422},
		{"POST " + c.path(), object{"name": "A", "provider": "openai", "credential": 7}, "/credential", 422},
		{"POST " + c.path(), object{"name": "A", "provider": "OpenAI", "credential": secret}, "/provider", 422},
		{"POST " + c.path(), object{"name": "A", "provider": "open/ai", "credential": secret}, "/provider", 422},
		{"POST " + c.path(), object{"name": "A", "provider": strings.Repeat("a", 33), "credential": secret}, "/provider", 422},
		{"PUT " + path, object{"provider": "azure"}, "/provider", 400},
		{"PUT " + path, object{"credential": nil}, "/credential", 422},
		{"PUT " + path, object{"name": nil}, "/name", 422},
		{"PUT " + path, object{"name": ""}, "/name", 422},
		{"PUT " + path, object{"enabled": nil}, "/enabled", 422},
	} {
		answer := c.Must(t, refused.status, refused.request, c.owner.Secret, refused.body)
		faults, _ := answer.At("errors").([]any)
		if len(faults) != 1 || faults[0].(object)["pointer"] != refused.pointer {
			t.Errorf("%v: %s, want a fault at %s", refused.body, answer.Raw, refused.pointer)
		}
	}
	largest := object{"private_key": "-----BEGIN KEY-----\n" + strings.Repeat("k", connection.CredentialBytes-31)}
	c.new(t, "vertex", object{"credential": largest})
	if hint := c.Must(t, 201, "POST "+c.path(), c.owner.Secret, object{"name": "A", "provider": "openai", "credential": "short"}).String("connection", "hint"); hint != "" {
		t.Errorf("the hint of a short credential is %q", hint)
	}
}

// TestConnectionsAreCountedUnderRaces: connections come and go at once, beside
// changes of the settings; what the organization tells of them stays true, and
// nobody has more than they may.
func TestConnectionsAreCountedUnderRaces(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	ada := c.person(t, permission.Developer)
	var all sync.WaitGroup
	for i := range 6 {
		all.Go(func() {
			path := c.new(t, []string{"openai", "azure"}[i%2], nil)
			switch i % 3 {
			case 0:
				c.Must(t, 200, "DELETE "+path, c.owner.Secret, nil)
			case 1:
				c.Must(t, 200, "PUT "+path, c.owner.Secret, object{"enabled": false})
			}
		})
		all.Go(func() {
			c.Must(t, 200, "PUT /api/organizations/"+string(c.owner.Organization), c.owner.Secret, object{"invitation_days": i + 10})
		})
	}
	var mu sync.Mutex
	made := 0
	for i := range connection.MaxPersonal - 2 {
		c.make(t, "/auth/connections", ada.token, "openai", object{"name": fmt.Sprint(i)})
	}
	for range 5 {
		all.Go(func() {
			answer := c.Call(t, "POST /auth/connections", ada.token, object{"name": "More", "provider": "openai", "credential": secret})
			mu.Lock()
			defer mu.Unlock()
			if answer.Status == 201 {
				made++
			} else if answer.Code() != "too_many_connections" {
				t.Errorf("%s", answer.Raw)
			}
		})
	}
	all.Wait()
	if made != 2 {
		t.Errorf("%d personal connections beyond %d", made, connection.MaxPersonal-2)
	}
	o, err := organization.Get(t.Context(), c.Table, c.owner.Organization)
	if err != nil {
		t.Fatal(err)
	}
	if got := o.Connections; got.Total != 4 || fmt.Sprint(got.Enabled) != "map[azure:1 openai:1]" || o.Version != 7 {
		t.Errorf("%+v in version %d", got, o.Version)
	}
}

func TestNoConnection(t *testing.T) {
	t.Parallel()
	type with struct {
		required              bool
		organization          string // provider of the organization's connection
		disabled              bool
		personal              string // provider of the member's own
		role, model           string
		code, scope, provider string
	}
	for name, w := range map[string]with{
		"not required":                          {role: "member", model: "openai/gpt", code: "ok"},
		"none at all":                           {required: true, role: "member", model: "openai/gpt", code: "no_connection", provider: "openai"},
		"none at all, no model":                 {required: true, role: "member", code: "no_connection"},
		"the provider's":                        {required: true, organization: "openai", role: "member", model: "openai/gpt", code: "ok", scope: "organization"},
		"the provider's, in capitals":           {required: true, organization: "openai", role: "member", model: "OpenAI/gpt", code: "ok", scope: "organization"},
		"a model that has slashes":              {required: true, organization: "openai", role: "member", model: "openai/ft/gpt", code: "ok", scope: "organization"},
		"another provider's":                    {required: true, organization: "azure", role: "member", model: "openai/gpt", code: "no_connection", provider: "openai"},
		"any, no model":                         {required: true, organization: "azure", role: "member", code: "ok", scope: "organization"},
		"any, no provider":                      {required: true, organization: "azure", role: "member", model: "gpt", code: "ok", scope: "organization"},
		"disabled":                              {required: true, organization: "openai", disabled: true, role: "member", model: "openai/gpt", code: "no_connection", provider: "openai"},
		"personal of a developer":               {required: true, personal: "openai", role: "developer", model: "openai/gpt", code: "ok", scope: "personal"},
		"personal of an owner":                  {required: true, personal: "openai", role: "owner", model: "openai/gpt", code: "ok", scope: "personal"},
		"personal of a developer, no model":     {required: true, personal: "openai", role: "developer", code: "ok", scope: "personal"},
		"personal to another provider":          {required: true, personal: "azure", role: "developer", model: "openai/gpt", code: "no_connection", provider: "openai"},
		"personal of a member":                  {required: true, personal: "openai", role: "member", model: "openai/gpt", code: "no_connection", provider: "openai"},
		"personal, and the organization's":      {required: true, organization: "openai", personal: "openai", role: "developer", model: "openai/gpt", code: "ok", scope: "organization"},
		"who may not use models hears that":     {required: true, organization: "openai", role: "viewer", model: "openai/gpt", code: "permission_denied"},
		"personal disabled does not serve":      {required: true, personal: "openai", disabled: true, role: "developer", model: "openai/gpt", code: "no_connection", provider: "openai"},
		"who may not use models hears no other": {required: true, role: "viewer", model: "openai/gpt", code: "permission_denied"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCompany(t)
			gateway := membertest.Add(t, c.Roster, member.Member{
				Organization: c.owner.Organization, Kind: member.ServiceAccount, Name: "Gateway", Role: permission.Gateway,
			})
			p := c.person(t, w.role)
			enabled := object{"enabled": !w.disabled}
			if w.organization != "" {
				c.new(t, w.organization, enabled)
			}
			if w.personal != "" {
				c.make(t, "/auth/connections", p.token, w.personal, enabled)
			}
			c.Must(t, 200, "PUT /api/organizations/"+string(c.owner.Organization), c.owner.Secret, object{"require_connection": w.required})
			body := object{}
			if w.model != "" {
				body["model"] = w.model
			}
			for by, credential := range map[string]string{"self": p.Secret, "gateway": gateway.Secret} {
				if by == "gateway" {
					body["user_id"] = p.ID
				}
				answer := c.Call(t, "POST /v1/authorize", credential, body)
				if answer.String("code") != w.code || answer.At("allowed") != (w.code == "ok") ||
					answer.String("connection_scope") != w.scope || answer.String("provider") != w.provider {
					if by != "self" || w.code != "permission_denied" { // who may not ask hears it at the door
						t.Errorf("%s: %s", by, answer.Raw)
					}
				}
			}
			if w.model == "" {
				if status := c.Must(t, 200, "GET /v1/key", p.Secret, nil); status.String("code") != w.code || status.At("allowed") != (w.code == "ok") {
					t.Errorf("GET /v1/key: %s", status.Raw)
				}
			}
		})
	}
}

// TestConnectionsCountWithinTheGatesLife: what is stored, disabled or deleted is
// noticed by processes that read it before.
func TestConnectionsCountWithinTheGatesLife(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	ada := c.person(t, permission.Developer)
	c.Must(t, 200, "PUT /api/organizations/"+string(c.owner.Organization), c.owner.Secret, object{"require_connection": true})
	ask := func(status int) {
		t.Helper()
		c.Advance(access.GateTTL)
		c.Must(t, status, "POST /v1/authorize", ada.Secret, object{"model": "openai/gpt"})
	}
	ask(403)
	personal := c.make(t, "/auth/connections", ada.token, "openai", nil)
	ask(200)
	c.Must(t, 200, "PUT /auth/connections/"+personal, ada.token, object{"enabled": false})
	ask(403)
	path := c.new(t, "openai", nil)
	ask(200)
	c.Must(t, 200, "PUT "+path, c.owner.Secret, object{"enabled": false})
	ask(403)
	c.Must(t, 200, "PUT "+path, c.owner.Secret, object{"enabled": true})
	ask(200)
	c.Must(t, 200, "DELETE "+path, c.owner.Secret, nil)
	ask(403)
}

func TestARequiredConnectionCostsTheHotPathNothing(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	ada := c.person(t, permission.Developer)
	c.Must(t, 200, "PUT /api/organizations/"+string(c.owner.Organization), c.owner.Secret, object{"require_connection": true})
	c.new(t, "openai", nil)
	c.make(t, "/auth/connections", ada.token, "azure", nil)
	units := func(model string) (float64, int) {
		ctx, capacity := table.WithCapacity(t.Context())
		if answer := c.CallContext(t, ctx, "POST /v1/authorize", ada.Secret, object{"model": model}); answer.Status != 200 {
			t.Fatalf("%s", answer.Raw)
		}
		read, _ := capacity.Units()
		return read, len(capacity.Calls())
	}
	units("openai/gpt") // fills the gate
	if read, calls := units("openai/gpt"); read > 1 || calls != 1 {
		t.Errorf("with the organization's: %v units in %d calls", read, calls)
	}
	if read, calls := units("azure/gpt"); read > 2 || calls != 2 {
		t.Errorf("with a personal one, first: %v units in %d calls", read, calls)
	}
	if read, calls := units("azure/gpt"); read > 1 || calls != 1 {
		t.Errorf("with a personal one, then: %v units in %d calls", read, calls)
	}
}
