package apikey_test

import (
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"roster/internal/access"
	"roster/internal/account"
	"roster/internal/apikey"
	"roster/internal/id"
	"roster/internal/member"
	"roster/internal/member/membertest"
	"roster/internal/offboarding"
	"roster/internal/organization"
	"roster/internal/permission"
	"roster/internal/rostertest"
	"roster/internal/user"
)

func keys(m membertest.Member) string {
	return "/api/organizations/" + string(m.Organization) + "/keys"
}

func self(m membertest.Member) string {
	return "/api/organizations/" + string(m.Organization) + "/members/" + string(m.ID)
}

func TestAKeyIsShownOnceAndWorksUntilRevoked(t *testing.T) {
	t.Parallel()
	r := rostertest.New(t, account.Endpoints, member.Endpoints, offboarding.Endpoints, apikey.Endpoints)
	registered := r.Must(t, 201, "POST /auth/register", "", map[string]any{
		"email": "ada@example.com", "password": "newpassword123", "name": "Ada", "organization": "Engines"})
	path, token := "/api/organizations/"+string(registered.OrganizationOf())+"/keys", registered.String("access_token")
	created := r.Must(t, 201, "POST "+path, token, map[string]any{"name": "laptop"})
	secret, key := created.String("key", "secret"), created.String("key", "id")
	if !strings.HasPrefix(secret, "rk_") || !strings.HasSuffix(secret, created.String("key", "hint")) || created.At("key", "expires_at") != nil ||
		created.String("key", "user_id") != registered.String("user", "id") {
		t.Errorf("%s", created.Raw)
	}
	listed := r.Must(t, 200, "GET "+path, secret, nil)
	if strings.Contains(string(listed.Raw), "secret") || !strings.Contains(string(listed.Raw), key) {
		t.Errorf("%s", listed.Raw)
	}
	items := r.DumpItems(t)
	for key, item := range items {
		for name, value := range item {
			if s, ok := value.(string); ok && strings.Contains(s, secret) {
				t.Errorf("the secret is stored in %s of %s", name, key.PK)
			}
		}
	}
	r.Must(t, 200, "DELETE "+path+"/"+key, token, nil)
	r.Refused(t, 401, "invalid_key", "GET "+path, secret, nil)
	r.Refused(t, 404, "key_not_found", "DELETE "+path+"/"+key, token, nil)
}

func TestARepeatWithItsIdempotencyKeyGivesTheSameSecret(t *testing.T) {
	t.Parallel()
	r := rostertest.New(t, member.Endpoints, offboarding.Endpoints, apikey.Endpoints)
	owner := membertest.Found(t, r)
	var (
		all     sync.WaitGroup
		answers [4]rostertest.Response
	)
	for i := range answers {
		all.Go(func() {
			answers[i] = r.Call(t, "POST "+keys(owner), owner.Secret, map[string]any{"name": "laptop"}, "Idempotency-Key", "once")
		})
	}
	all.Wait()
	for _, a := range answers {
		if a.Status != 201 || a.String("key", "secret") != answers[0].String("key", "secret") {
			t.Errorf("%d %s", a.Status, a.Raw)
		}
	}
	if listed := r.Must(t, 200, "GET "+keys(owner), answers[0].String("key", "secret"), nil).At("keys").([]any); len(listed) != 2 {
		t.Errorf("%d keys, want the first and the new one", len(listed))
	}
}

func TestWhoseKeysOneMayMake(t *testing.T) {
	t.Parallel()
	r := rostertest.New(t, member.Endpoints, offboarding.Endpoints, apikey.Endpoints)
	owner := membertest.Found(t, r)
	add := func(m member.Member) membertest.Member {
		m.Organization = owner.Organization
		return membertest.Add(t, r, m)
	}
	admin, bob := add(member.Member{Role: permission.Admin}), add(member.Member{Role: permission.Member})
	viewer := add(member.Member{Role: permission.Viewer})
	gateway := add(member.Member{Kind: member.ServiceAccount, Name: "Edge", Role: permission.Gateway, Responsible: owner.ID})
	stopped := add(member.Member{Role: permission.Member, Status: access.Suspended, Terms: member.Terms{Suspension: &member.Suspension{At: r.Now()}}})
	for name, c := range map[string]struct {
		by     membertest.Member
		whose  id.User
		status int
		code   string
	}{
		"one's own":                 {bob, "", 201, ""},
		"one's own by id":           {bob, bob.ID, 201, ""},
		"another's":                 {bob, viewer.ID, 403, "permission_denied"},
		"a viewer's own":            {viewer, "", 403, "permission_denied"},
		"a gateway's own":           {gateway, "", 403, "permission_denied"},
		"a gateway's, by an admin":  {admin, gateway.ID, 201, ""},
		"a member's, by an admin":   {admin, bob.ID, 201, ""},
		"an owner's, by an admin":   {admin, owner.ID, 403, "outranked"},
		"an admin's, by an owner":   {owner, admin.ID, 201, ""},
		"a suspended member's":      {owner, stopped.ID, 409, "wrong_status"},
		"nobody's":                  {owner, id.NewUser(r.Now()), 404, "member_not_found"},
		"a suspended member's, own": {stopped, "", 403, "member_suspended"},
	} {
		body := map[string]any{"name": "laptop"}
		if c.whose != "" {
			body["user_id"] = c.whose
		}
		answer := r.Call(t, "POST "+keys(owner), c.by.Secret, body)
		if answer.Status != c.status || answer.Code() != c.code {
			t.Errorf("%s: %s, want %d %s", name, answer.Raw, c.status, c.code)
		}
		if answer.Status == 201 {
			as := r.Call(t, "GET "+keys(owner), answer.String("key", "secret"), nil)
			if as.Status != 200 && as.Code() != "permission_denied" {
				t.Errorf("%s: the key does not work: %s", name, as.Raw)
			}
		}
	}
	r.Refused(t, 403, "permission_denied", "GET "+keys(owner)+"?user_id="+string(owner.ID), bob.Secret, nil)
	r.Must(t, 200, "GET "+keys(owner)+"?user_id="+string(gateway.ID), admin.Secret, nil)
	for key := range owner.Keys {
		r.Refused(t, 403, "outranked", "DELETE "+keys(owner)+"/"+string(key), admin.Secret, nil)
	}
	unknown := id.NewKey(r.Now(), id.NewUser(r.Now()))
	r.Refused(t, 404, "key_not_found", "DELETE "+keys(owner)+"/"+string(unknown), admin.Secret, nil)
	r.Refused(t, 404, "key_not_found", "DELETE "+keys(owner)+"/"+string(id.NewKey(r.Now(), bob.ID)), bob.Secret, nil)
	for key := range viewer.Keys {
		r.Refused(t, 403, "permission_denied", "DELETE "+keys(owner)+"/"+string(key), bob.Secret, nil)
		r.Must(t, 200, "DELETE "+keys(owner)+"/"+string(key), admin.Secret, nil)
	}
	r.Refused(t, 401, "invalid_key", "GET "+self(viewer), viewer.Secret, nil)
}

func TestKeysFollowTheirMember(t *testing.T) {
	t.Parallel()
	r := rostertest.New(t, member.Endpoints, offboarding.Endpoints, apikey.Endpoints)
	owner := membertest.Found(t, r)
	bob := membertest.Add(t, r, member.Member{Organization: owner.Organization, Role: permission.Member})
	secret := r.Must(t, 201, "POST "+keys(owner), owner.Secret, map[string]any{"name": "laptop", "user_id": bob.ID}).String("key", "secret")
	if got := r.Must(t, 200, "GET "+self(bob), secret, nil).At("member", "keys"); got != 2. {
		t.Errorf("the member shows %v keys, want 2", got)
	}
	r.Must(t, 200, "POST "+self(bob)+"/suspend", owner.Secret, nil)
	r.Refused(t, 403, "member_suspended", "GET "+self(bob), secret, nil)
	r.Must(t, 200, "POST "+self(bob)+"/unsuspend", owner.Secret, nil)
	r.Must(t, 200, "GET "+self(bob), secret, nil)
	r.Must(t, 200, "DELETE "+self(bob), owner.Secret, nil)
	r.Refused(t, 401, "invalid_key", "GET "+self(bob), secret, nil)
	r.Refused(t, 409, "wrong_status", "POST "+keys(owner), owner.Secret, map[string]any{"name": "laptop", "user_id": bob.ID})
}

func TestTenLiveKeysAreTheMost(t *testing.T) {
	t.Parallel()
	r := rostertest.New(t, apikey.Endpoints)
	owner := membertest.Found(t, r)
	soon := r.Now().Add(time.Hour)
	var (
		all   sync.WaitGroup
		codes [apikey.MaxKeys + 2]string
	)
	for i := range codes {
		all.Go(func() {
			answer := r.Call(t, "POST "+keys(owner), owner.Secret, map[string]any{"name": "laptop", "expires_at": soon})
			codes[i] = answer.Code()
		})
	}
	all.Wait()
	made := 0
	for _, code := range codes {
		if code == "" {
			made++
		}
	}
	if made != apikey.MaxKeys-1 || !slices.Contains(codes[:], "too_many_keys") {
		t.Fatalf("%d keys were made beside the first: %v", made, codes)
	}
	r.Refused(t, 422, "invalid_input", "POST "+keys(owner), owner.Secret, map[string]any{"name": "late", "expires_at": r.Now()})
	r.Advance(time.Hour)
	created := r.Must(t, 201, "POST "+keys(owner), owner.Secret, map[string]any{"name": "next"})
	if listed := r.Must(t, 200, "GET "+keys(owner), created.String("key", "secret"), nil).At("keys").([]any); len(listed) != 2 {
		t.Errorf("%d keys, want the first and the newest", len(listed))
	}
}

// In UTC that is the year 10000, which JSON and the table cannot write: the item
// must not be made, or nothing that reads the member works again.
func TestAKeyUntilTheYear10000LocksNobodyOut(t *testing.T) {
	t.Parallel()
	r := rostertest.New(t, account.Endpoints, member.Endpoints, offboarding.Endpoints, apikey.Endpoints)
	registered := r.Must(t, 201, "POST /auth/register", "", map[string]any{
		"email": "ada@example.com", "password": "newpassword123", "name": "Ada", "organization": "Engines"})
	path, token := "/api/organizations/"+string(registered.OrganizationOf())+"/keys", registered.String("access_token")
	far := r.Now().AddDate(apikey.MaxYears, 0, 0)
	for name, at := range map[string]any{
		"the year 10000 in UTC": "9999-12-31T23:59:59-23:59",
		"the year 9999":         "9999-12-31T23:59:59Z",
		"the year 0 in UTC":     "0001-01-01T00:00:00+00:01",
		"the zero time":         "0001-01-01T00:00:00Z",
		"ten years and more":    far.Add(time.Nanosecond),
		"now":                   r.Now(),
		"now, elsewhere":        r.Now().In(time.FixedZone("", 5*3600)),
		"no time":               "tomorrow",
	} {
		refused := r.Call(t, "POST "+path, token, map[string]any{"name": "k", "expires_at": at})
		if refused.Status != 422 || !strings.Contains(string(refused.Raw), `"pointer":"/expires_at"`) {
			t.Errorf("%s: %s", name, refused.Raw)
		}
	}
	made := r.Must(t, 201, "POST "+path, token, map[string]any{"name": "k", "expires_at": far.In(time.FixedZone("", -5*3600))})
	if got := made.String("key", "expires_at"); got != "2036-11-22T10:00:00Z" {
		t.Errorf("the key expires at %s", got)
	}
	r.Must(t, 200, "POST /auth/login", "", map[string]any{"email": "ada@example.com", "password": "newpassword123"})
	if listed := r.Must(t, 200, "GET "+path, token, nil).At("keys").([]any); len(listed) != 1 {
		t.Errorf("%d keys, want the one that was allowed", len(listed))
	}
}

// rise is an owner, an admin who makes keys for Bob, and a member, Carol.
type rise struct {
	*rostertest.Roster
	owner, admin, bob, carol membertest.Member
}

func newRise(t *testing.T, bob member.Member) rise {
	r := rostertest.New(t, organization.Endpoints, member.Endpoints, offboarding.Endpoints, apikey.Endpoints)
	owner := membertest.Found(t, r)
	add := func(m member.Member) membertest.Member {
		m.Organization = owner.Organization
		return membertest.Add(t, r, m)
	}
	return rise{r, owner, add(member.Member{Role: permission.Admin}), add(bob), add(member.Member{Role: permission.Member})}
}

// mint makes a key for Bob, and returns its secret and id.
func (r rise) mint(t *testing.T, credential string, maker id.User) (secret, key string) {
	t.Helper()
	made := r.Must(t, 201, "POST "+keys(r.owner), credential, map[string]any{"name": "k", "user_id": r.bob.ID})
	if got := made.String("key", "created_by"); got != string(maker) {
		t.Errorf("the key was made by %s, want %s", got, maker)
	}
	return made.String("key", "secret"), made.String("key", "id")
}

func TestAKeyMadeForSomeoneElseDoesNotRiseWithThem(t *testing.T) {
	t.Parallel()
	for name, request := range map[string]func(rise) string{
		"by the member":    func(r rise) string { return "PUT " + self(r.bob) },
		"by another route": func(r rise) string { return "PUT /admin/users/" + string(r.bob.ID) + "/role" },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRise(t, member.Member{Role: permission.Admin})
			stolen, _ := r.mint(t, r.admin.Secret, r.admin.ID)
			// Made with the stolen key, a key is the thief's too, however it looks.
			further, _ := r.mint(t, stolen, r.admin.ID)
			own, _ := r.mint(t, r.bob.Secret, r.bob.ID)
			owners, _ := r.mint(t, r.owner.Secret, r.owner.ID)

			if got := r.Must(t, 200, request(r), r.owner.Secret, map[string]any{"role": "owner"}); !strings.Contains(string(got.Raw), `"keys":5`) {
				t.Errorf("the answer does not show 5 keys: %s", got.Raw)
			}
			fresh, _ := r.mint(t, stolen, r.admin.ID)
			settings := "PUT /api/organizations/" + string(r.owner.Organization)
			for name, secret := range map[string]string{"stolen": stolen, "further": further, "fresh": fresh} {
				// What it could before,
				r.Must(t, 200, "GET "+self(r.bob), secret, nil)
				r.Must(t, 200, "PUT "+self(r.carol), secret, map[string]any{"alias": name})
				r.Must(t, 200, settings, secret, map[string]any{"welcome_message": name})
				// and nothing of the new role.
				r.Refused(t, 403, "outranked", "DELETE "+self(r.owner), secret, nil)
				r.Refused(t, 403, "owner_required", "PUT "+self(r.carol), secret, map[string]any{"role": "owner"})
				r.Refused(t, 403, "not_oneself", "PUT "+self(r.bob), secret, map[string]any{"role": "admin"})
				r.Refused(t, 403, "outranked", "POST "+keys(r.owner), secret, map[string]any{"name": "k", "user_id": r.owner.ID})
			}
			for _, secret := range []string{own, owners, r.bob.Secret} {
				r.Must(t, 200, "PUT "+self(r.carol), secret, map[string]any{"role": "owner"})
				r.Must(t, 200, "PUT "+self(r.carol), secret, map[string]any{"role": "member"})
			}
			admins := len(permission.Roles(nil).Of(permission.Admin).List())
			for _, k := range r.Must(t, 200, "GET "+keys(r.owner), own, nil).At("keys").([]any) {
				k := k.(map[string]any)
				permissions, bounded := k["permissions"].([]any)
				want := map[any]int{string(r.admin.ID): admins, string(r.owner.ID): len(permission.All)}[k["created_by"]]
				if bounded != (want > 0) || len(permissions) != want {
					t.Errorf("%v may %v", k, permissions)
				}
			}
		})
	}
}

// A member's own calls with an Idempotency-Key are not repeated to whoever holds a
// key that they made for the member: a secret stands in the answer.
func TestAnAnswerIsNotRepeatedToAnotherHolder(t *testing.T) {
	t.Parallel()
	r := newRise(t, member.Member{Role: permission.Admin})
	stolen, _ := r.mint(t, r.admin.Secret, r.admin.ID)
	r.Must(t, 200, "PUT "+self(r.bob), r.owner.Secret, map[string]any{"role": "owner"})
	made := r.Must(t, 201, "POST "+keys(r.owner), r.bob.Secret, map[string]any{"name": "k"}, "Idempotency-Key", "1")
	seen := r.Must(t, 201, "POST "+keys(r.owner), stolen, map[string]any{"name": "k"}, "Idempotency-Key", "1")
	if made.String("key", "id") == seen.String("key", "id") {
		t.Errorf("%s", seen.Raw)
	}
	r.Refused(t, 403, "owner_required", "PUT "+self(r.carol), seen.String("key", "secret"), map[string]any{"role": "owner"})
}

func TestAKeyOfAServiceAccountDoesNotRiseWithIt(t *testing.T) {
	t.Parallel()
	r := newRise(t, member.Member{Kind: member.ServiceAccount, Name: "Edge", Role: permission.Gateway})
	admins, _ := r.mint(t, r.admin.Secret, r.admin.ID)
	owners, _ := r.mint(t, r.owner.Secret, r.owner.ID)
	r.Must(t, 200, "PUT "+self(r.bob), r.owner.Secret, map[string]any{"role": "admin"})
	r.Must(t, 200, "GET "+self(r.bob), admins, nil)
	r.Refused(t, 403, "permission_denied", "GET "+self(r.carol), admins, nil)
	r.Must(t, 200, "GET "+self(r.carol), owners, nil)
}

func TestAKeyMadeForSomeoneElseComesBackToWhatItWas(t *testing.T) {
	t.Parallel()
	r := newRise(t, member.Member{Role: permission.Admin})
	secret, _ := r.mint(t, r.admin.Secret, r.admin.ID)
	r.Must(t, 200, "PUT "+self(r.bob), r.owner.Secret, map[string]any{"role": "developer", "alias": "bobby"})
	r.Refused(t, 403, "permission_denied", "GET "+self(r.carol), secret, nil)
	r.Must(t, 200, "PUT "+self(r.bob), r.owner.Secret, map[string]any{"role": "admin"})
	r.Must(t, 200, "GET "+self(r.carol), secret, nil)
}

func TestAnExpiredKeyIsRefused(t *testing.T) {
	t.Parallel()
	r := rostertest.New(t, apikey.Endpoints)
	owner := membertest.Found(t, r)
	secret := r.Must(t, 201, "POST "+keys(owner), owner.Secret,
		map[string]any{"name": "day", "expires_at": r.Now().Add(time.Hour)}).String("key", "secret")
	r.Advance(time.Hour - time.Second)
	r.Must(t, 200, "GET "+keys(owner), secret, nil)
	r.Advance(time.Second)
	r.Refused(t, 401, "invalid_key", "GET "+keys(owner), secret, nil)
}

// meanwhile does something once, before the next transaction is sent.
type meanwhile struct {
	next http.RoundTripper
	do   func()
}

func (m *meanwhile) RoundTrip(r *http.Request) (*http.Response, error) {
	if do := m.do; do != nil && strings.HasSuffix(r.Header.Get("X-Amz-Target"), ".TransactWriteItems") {
		m.do = nil
		do()
	}
	return m.next.RoundTrip(r)
}

func TestNoKeyIsMadeByACredentialThatEndsMeanwhile(t *testing.T) {
	t.Parallel()
	between := new(meanwhile)
	r := rostertest.NewWith(t, func(next http.RoundTripper) http.RoundTripper {
		between.next = next
		return between
	}, account.Endpoints, member.Endpoints, offboarding.Endpoints, apikey.Endpoints)
	registered := r.Must(t, 201, "POST /auth/register", "", map[string]any{
		"email": "ada@example.com", "password": "newpassword123", "name": "Ada", "organization": "Engines"})
	org, ada, token := registered.OrganizationOf(), id.User(registered.String("user", "id")), registered.String("access_token")
	path := "/api/organizations/" + string(org) + "/keys"
	bob := membertest.Add(t, r, member.Member{Organization: org, Role: permission.Member})
	newKey := func() (secret string, key id.Key) {
		created := r.Must(t, 201, "POST "+path, token, map[string]any{"name": "laptop"})
		return created.String("key", "secret"), id.Key(created.String("key", "id"))
	}
	for _, whose := range []id.User{ada, bob.ID} {
		secret, key := newKey()
		between.do = func() { r.Must(t, 200, "DELETE "+path+"/"+string(key), token, nil) }
		r.Refused(t, 401, "invalid_key", "POST "+path, secret, map[string]any{"name": "spare", "user_id": whose})
	}
	between.do = func() {
		u, err := user.Get(t.Context(), r.Table, ada)
		if err != nil {
			t.Fatal(err)
		}
		u.SessionEpoch++
		if err := r.Table.Transact(t.Context(), user.Save(*u, r.Now())); err != nil {
			t.Fatal(err)
		}
	}
	r.Refused(t, 401, "invalid_token", "POST "+path, token, map[string]any{"name": "spare"})
	for _, whose := range []id.User{ada, bob.ID} {
		m, err := member.Get(t.Context(), r.Table, org, whose)
		if err != nil {
			t.Fatal(err)
		}
		for _, k := range m.Keys {
			if k.Name == "spare" {
				t.Errorf("%s has a key that was made too late", whose)
			}
		}
	}
	again := r.Must(t, 200, "POST /auth/login", "", map[string]any{"email": "ada@example.com", "password": "newpassword123"})
	r.Must(t, 201, "POST "+path, again.String("access_token"), map[string]any{"name": "new"})
}
