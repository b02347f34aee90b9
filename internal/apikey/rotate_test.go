package apikey_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"roster/internal/access"
	"roster/internal/apikey"
	"roster/internal/audit"
	"roster/internal/audit/audittest"
	"roster/internal/id"
	"roster/internal/member"
	"roster/internal/member/membertest"
	"roster/internal/offboarding"
	"roster/internal/permission"
	"roster/internal/rostertest"
	"roster/internal/table"
)

func keyOf(m membertest.Member) id.Key {
	for key := range m.Keys {
		return key
	}
	return ""
}

func one(m membertest.Member) string { return keys(m) + "/" + string(keyOf(m)) }

// works asks whether a secret lets its member in.
func works(t *testing.T, r *rostertest.Roster, m membertest.Member, secret string) bool {
	t.Helper()
	answer := r.Call(t, "GET "+self(m), secret, nil)
	if answer.Status != 200 && answer.Code() != "invalid_key" {
		t.Errorf("%s", answer.Raw)
	}
	return answer.Status == 200
}

func TestARotatedKeyKeepsItsIdAndLeavesTheGraceToTheSecond(t *testing.T) {
	t.Parallel()
	r := rostertest.New(t, member.Endpoints, offboarding.Endpoints, apikey.Endpoints)
	owner := membertest.Found(t, r)
	rotate := func(by string, grace int) rostertest.Response {
		return r.Must(t, 200, "POST "+one(owner)+"/rotate", by, map[string]any{"grace_seconds": grace})
	}
	first := owner.Secret
	rotated := rotate(first, 60)
	second := rotated.String("key", "secret")
	if rotated.String("key", "id") != string(keyOf(owner)) || rotated.String("key", "name") != "test" || second == first ||
		!strings.HasSuffix(second, rotated.String("key", "hint")) || rotated.String("key", "previous_valid_until") != "2026-11-22T10:01:00Z" ||
		rotated.String("key", "rotated_at") != "2026-11-22T10:00:00Z" {
		t.Errorf("%s", rotated.Raw)
	}
	r.Advance(time.Minute - 1)
	if !works(t, r, owner, first) || !works(t, r, owner, second) {
		t.Error("one of the two secrets does not work within the grace")
	}
	r.Advance(1)
	if works(t, r, owner, first) || !works(t, r, owner, second) {
		t.Error("the old secret works after the grace, or the new one does not")
	}

	third := rotate(second, apikey.MaxGraceSeconds).String("key", "secret")
	fourth := rotate(third, 60).String("key", "secret")
	if works(t, r, owner, second) || !works(t, r, owner, third) || !works(t, r, owner, fourth) {
		t.Error("a rotation within the grace leaves the oldest secret alive, or ends another")
	}
	fifth := rotate(third, 0).String("key", "secret")
	for name, secret := range map[string]string{"third": third, "fourth": fourth} {
		if works(t, r, owner, secret) {
			t.Errorf("the %s secret works after a rotation without grace", name)
		}
	}
	if !works(t, r, owner, fifth) {
		t.Error("the newest secret does not work")
	}
	for _, grace := range []any{-1, apikey.MaxGraceSeconds + 1, 1.5, "60"} {
		if got := r.Call(t, "POST "+one(owner)+"/rotate", fifth, map[string]any{"grace_seconds": grace}); got.Status != 422 && got.Status != 400 {
			t.Errorf("a grace of %v: %s", grace, got.Raw)
		}
	}
	if stored := fmt.Sprint(r.DumpItems(t)); strings.Contains(stored, fifth) || strings.Contains(stored, fourth) {
		t.Error("a secret is stored")
	}
	r.Must(t, 200, "DELETE "+one(owner), fifth, nil)
	if works(t, r, owner, fifth) {
		t.Error("the revoked key works")
	}
}

func TestTheExpiryEndsBothSecrets(t *testing.T) {
	t.Parallel()
	r := rostertest.New(t, member.Endpoints, offboarding.Endpoints, apikey.Endpoints)
	owner := membertest.Found(t, r)
	r.Must(t, 200, "PUT "+one(owner), owner.Secret, map[string]any{"expires_at": r.Now().Add(time.Minute)})
	next := r.Must(t, 200, "POST "+one(owner)+"/rotate", owner.Secret, map[string]any{"grace_seconds": 3600}).String("key", "secret")
	further := r.Must(t, 201, "POST "+keys(owner), owner.Secret, map[string]any{"name": "further"}).String("key", "secret")
	r.Advance(time.Minute)
	if works(t, r, owner, owner.Secret) || works(t, r, owner, next) {
		t.Error("a secret of the expired key works")
	}
	for request, body := range map[string]any{
		"POST " + one(owner) + "/rotate": nil, "PUT " + one(owner): map[string]any{"expires_at": nil},
	} {
		r.Refused(t, 409, "key_expired", request, further, body)
	}
	r.Must(t, 200, "DELETE "+one(owner), further, nil)
}

func TestARotationIsRepeatedWithItsIdempotencyKey(t *testing.T) {
	t.Parallel()
	r := rostertest.New(t, member.Endpoints, offboarding.Endpoints, apikey.Endpoints)
	owner := membertest.Found(t, r)
	admin := membertest.Add(t, r, member.Member{Organization: owner.Organization, Role: permission.Admin})
	request, body := "POST "+one(admin)+"/rotate", map[string]any{"grace_seconds": 60}
	var (
		all     sync.WaitGroup
		secrets [4]string
	)
	for i := range secrets {
		all.Go(func() {
			secrets[i] = r.Must(t, 200, request, owner.Secret, body, "Idempotency-Key", "once").String("key", "secret")
		})
	}
	all.Wait()
	for _, secret := range secrets {
		if secret != secrets[0] || !works(t, r, admin, secret) {
			t.Errorf("%s", secret)
		}
	}
	if !works(t, r, admin, admin.Secret) {
		t.Error("the repeats ended the secret before")
	}
}

// Of rotations at once, the last leaves its secret and that of the one before.
func TestRotationsAtOnceLeaveTwoSecrets(t *testing.T) {
	t.Parallel()
	r := rostertest.New(t, member.Endpoints, offboarding.Endpoints, apikey.Endpoints)
	owner := membertest.Found(t, r)
	admin := membertest.Add(t, r, member.Member{Organization: owner.Organization, Role: permission.Admin})
	var (
		all     sync.WaitGroup
		secrets [5]string
	)
	for i := range secrets {
		all.Go(func() {
			secrets[i] = r.Must(t, 200, "POST "+one(admin)+"/rotate", owner.Secret, map[string]any{"grace_seconds": 60}).String("key", "secret")
		})
	}
	all.Wait()
	live := 0
	for _, secret := range append(secrets[:], admin.Secret) {
		if works(t, r, admin, secret) {
			live++
		}
	}
	if live != 2 {
		t.Errorf("%d secrets work, want the newest and the one before", live)
	}
}

func TestASecretIsWorthWhatWhoRotatedCouldGive(t *testing.T) {
	t.Parallel()
	r := newRise(t, member.Member{Role: permission.Admin})
	stolen, key := r.mint(t, r.admin.Secret, r.admin.ID)
	r.Must(t, 200, "PUT "+self(r.bob), r.owner.Secret, map[string]any{"role": "owner"})
	promote := func(secret string, status int) {
		t.Helper()
		r.Must(t, status, "PUT "+self(r.carol), secret, map[string]any{"role": "owner"})
		r.Must(t, 200, "PUT "+self(r.carol), r.owner.Secret, map[string]any{"role": "member"})
	}
	path := "POST " + keys(r.owner) + "/" + key + "/rotate"
	thiefs := r.Must(t, 200, path, stolen, map[string]any{"grace_seconds": 60})
	promote(thiefs.String("key", "secret"), 403)
	bobs := r.Must(t, 200, path, r.bob.Secret, map[string]any{"grace_seconds": 60})
	promote(bobs.String("key", "secret"), 200)
	if bobs.String("key", "created_by") != string(r.bob.ID) || bobs.At("key", "permissions") != nil {
		t.Errorf("%s", bobs.Raw)
	}
	// In the grace, the old secret stays what it was.
	promote(thiefs.String("key", "secret"), 403)
	r.Refused(t, 401, "invalid_key", "GET "+self(r.bob), stolen, nil)
}

func TestAKeyIsChangedByAMergePatch(t *testing.T) {
	t.Parallel()
	r := rostertest.New(t, member.Endpoints, offboarding.Endpoints, apikey.Endpoints)
	owner := membertest.Found(t, r)
	soon := r.Now().Add(time.Hour)
	made := r.Must(t, 201, "POST "+keys(owner), owner.Secret, map[string]any{
		"name": "tool", "expires_at": soon, "allowed_models": []string{"openai/*", "anthropic/claude-5"}})
	put := "PUT " + keys(owner) + "/" + made.String("key", "id")
	listed := func() map[string]any {
		for _, k := range r.Must(t, 200, "GET "+keys(owner), owner.Secret, nil).At("keys").([]any) {
			if k := k.(map[string]any); k["id"] == made.String("key", "id") {
				return k
			}
		}
		return nil
	}
	for _, c := range []struct {
		body map[string]any
		want string
	}{
		{map[string]any{}, "tool 2026-11-22T11:00:00Z [openai/* anthropic/claude-5]"},
		{map[string]any{"name": "new"}, "new 2026-11-22T11:00:00Z [openai/* anthropic/claude-5]"},
		{map[string]any{"expires_at": nil}, "new <nil> [openai/* anthropic/claude-5]"},
		{map[string]any{"allowed_models": []string{"openai/gpt-5"}}, "new <nil> [openai/gpt-5]"},
		{map[string]any{"expires_at": soon, "allowed_models": nil}, "new 2026-11-22T11:00:00Z <nil>"},
	} {
		answer := r.Must(t, 200, put, owner.Secret, c.body).At("key").(map[string]any)
		for from, k := range map[string]map[string]any{"answer": answer, "list": listed()} {
			if got := fmt.Sprint(k["name"], k["expires_at"], k["allowed_models"]); strings.ReplaceAll(got, " ", "") != strings.ReplaceAll(c.want, " ", "") {
				t.Errorf("%v: the %s shows %s, want %s", c.body, from, got, c.want)
			}
		}
	}
	version := func() any { return r.DumpItems(t)[memberKey(owner)]["version"] }
	before := version()
	r.Must(t, 200, put, owner.Secret, map[string]any{"name": "new"})
	if version() != before {
		t.Error("a patch that changes nothing writes")
	}
	many := make([]string, 51)
	for i := range many {
		many[i] = fmt.Sprint("m/", i)
	}
	for _, c := range []struct{ field, body any }{
		{"/name", map[string]any{"name": ""}}, {"/name", map[string]any{"name": nil}},
		{"/expires_at", map[string]any{"expires_at": r.Now()}},
		{"/expires_at", map[string]any{"expires_at": r.Now().AddDate(10, 0, 1)}},
		{"/allowed_models", map[string]any{"allowed_models": []string{}}},
		{"/allowed_models", map[string]any{"allowed_models": many}},
		{"/allowed_models/1", map[string]any{"allowed_models": []string{"a/*", "a*b"}}},
		{"/allowed_models/0", map[string]any{"allowed_models": []string{""}}},
	} {
		refused := r.Call(t, put, owner.Secret, c.body)
		if refused.Status != 422 || !strings.Contains(string(refused.Raw), fmt.Sprintf(`"pointer":"%s"`, c.field)) {
			t.Errorf("%v: %s", c.body, refused.Raw)
		}
	}
	if got := actions(t, r, made.String("key", "id")); got != "key.created 1, key.updated 4" {
		t.Errorf("audited: %s", got)
	}
}

func memberKey(m membertest.Member) table.Key { return table.Member(m.Organization, m.ID) }

// actions counts the audit events of a target.
func actions(t *testing.T, r *rostertest.Roster, target string) string {
	t.Helper()
	counted := map[string]int{}
	for at, item := range r.DumpItems(t) {
		if strings.HasPrefix(at.PK, "AU#") && item["target"] == target {
			counted[item["action"].(string)]++
		}
	}
	var all []string
	for _, action := range []string{"key.created", "key.updated", "key.rotated", "key.transferred", "key.revoked"} {
		if counted[action] > 0 {
			all = append(all, fmt.Sprint(action, " ", counted[action]))
		}
	}
	return strings.Join(all, ", ")
}

// A key for certain models, in the hands of a tool, does not get itself others.
func TestARestrictedKeyMakesAndChangesNoKeys(t *testing.T) {
	t.Parallel()
	r := rostertest.New(t, member.Endpoints, offboarding.Endpoints, apikey.Endpoints)
	owner := membertest.Found(t, r)
	bob := membertest.Add(t, r, member.Member{Organization: owner.Organization, Role: permission.Member})
	made := r.Must(t, 201, "POST "+keys(owner), owner.Secret, map[string]any{"name": "tool", "allowed_models": []string{"openai/*"}})
	path, secret := keys(owner)+"/"+made.String("key", "id"), made.String("key", "secret")
	for request, body := range map[string]any{
		"POST " + keys(owner):          map[string]any{"name": "free"},
		"PUT " + path:                  map[string]any{"allowed_models": nil},
		"POST " + path + "/rotate":     nil,
		"POST " + path + "/transfer":   map[string]any{"user_id": bob.ID},
		"POST " + one(bob) + "/rotate": nil,
	} {
		r.Refused(t, 403, "restricted_key", request, secret, body)
	}
	r.Must(t, 200, "GET "+keys(owner), secret, nil)
	r.Must(t, 200, "DELETE "+path, secret, nil)
}

func TestAKeyIsTransferredWithANewSecret(t *testing.T) {
	t.Parallel()
	r := rostertest.New(t, member.Endpoints, offboarding.Endpoints, apikey.Endpoints)
	owner := membertest.Found(t, r)
	add := func(m member.Member) membertest.Member {
		m.Organization = owner.Organization
		return membertest.Add(t, r, m)
	}
	bob, edge := add(member.Member{Role: permission.Member}), add(member.Member{
		Kind: member.ServiceAccount, Name: "Edge", Role: permission.Gateway, Responsible: owner.ID})
	r.Must(t, 200, "PUT "+one(bob), bob.Secret, map[string]any{"name": "production", "allowed_models": []string{"openai/*"}, "expires_at": r.Now().Add(time.Hour)})
	moved := r.Must(t, 201, "POST "+one(bob)+"/transfer", owner.Secret, map[string]any{"user_id": edge.ID})
	key := id.Key(moved.String("key", "id"))
	if moved.String("previous_id") != string(keyOf(bob)) || key.User() != edge.ID || moved.String("key", "user_id") != string(edge.ID) ||
		moved.String("key", "name") != "production" || fmt.Sprint(moved.At("key", "allowed_models")) != "[openai/*]" ||
		moved.String("key", "expires_at") != "2026-11-22T11:00:00Z" || moved.String("key", "created_by") != string(owner.ID) ||
		fmt.Sprint(moved.At("key", "permissions")) != "[usage:write]" {
		t.Errorf("%s", moved.Raw)
	}
	if works(t, r, bob, bob.Secret) || !works(t, r, edge, moved.String("key", "secret")) {
		t.Error("the old secret works, or the new one does not")
	}
	for m, want := range map[*membertest.Member]float64{&bob: 0, &edge: 2} {
		if got := r.Must(t, 200, "GET "+self(*m), owner.Secret, nil).At("member", "keys"); got != want {
			t.Errorf("%v keys, want %v", got, want)
		}
	}
	for _, e := range audittest.Of(t, r, owner.Organization) {
		if e.Action == audit.KeyTransferred && (e.Target != string(keyOf(bob)) || e.After["key_id"] != string(key)) {
			t.Errorf("the audit event does not link the ids: %v", e)
		}
	}
	r.Refused(t, 404, "key_not_found", "POST "+one(bob)+"/transfer", owner.Secret, map[string]any{"user_id": edge.ID})
}

func TestWhoMayChangeWhoseKeys(t *testing.T) {
	t.Parallel()
	r := rostertest.New(t, member.Endpoints, offboarding.Endpoints, apikey.Endpoints)
	owner := membertest.Found(t, r)
	add := func(role string, status member.Status) membertest.Member {
		m := member.Member{Organization: owner.Organization, Role: role, Status: status}
		if role == permission.Gateway {
			m.Kind, m.Name, m.Responsible = member.ServiceAccount, "Edge", owner.ID
		}
		return membertest.Add(t, r, m)
	}
	by := map[string]membertest.Member{
		"owner": owner, "admin": add("admin", ""), "developer": add("developer", ""), "member": add("member", ""),
		"viewer": add("viewer", ""), "gateway": add("gateway", ""),
	}
	none, rank := "permission_denied", "outranked"
	// What a caller (row) hears who changes the key of one with a role (column):
	// owner, admin, member, gateway, oneself.
	for caller, want := range map[string][]string{
		"owner":     {"", "", "", "", ""},
		"admin":     {rank, "", "", "", ""},
		"developer": {none, none, none, none, ""},
		"member":    {none, none, none, none, ""},
		"viewer":    {none, none, none, none, none},
		"gateway":   {none, none, none, none, none},
	} {
		for i, whose := range []string{"owner", "admin", "member", "gateway", "self"} {
			m := by[caller]
			if whose != "self" {
				m = add(whose, "")
			}
			for request, body := range map[string]map[string]any{
				"PUT " + one(m):              {"name": "renamed"},
				"POST " + one(m) + "/rotate": {"grace_seconds": 3600},
			} {
				if got := r.Call(t, request, by[caller].Secret, body); got.Code() != want[i] {
					t.Errorf("%s, %s of %s: %s, want %q", caller, request[:4], whose, got.Raw, want[i])
				}
			}
		}
		// Given to a member: their own key or another's, only who manages keys may.
		to := add("member", "")
		transfer := map[string]string{"owner": "", "admin": ""}
		wanted, ok := transfer[caller]
		if !ok {
			wanted = none
		}
		if got := r.Call(t, "POST "+one(add("member", ""))+"/transfer", by[caller].Secret, map[string]any{"user_id": to.ID}); got.Code() != wanted {
			t.Errorf("%s transfers: %s, want %q", caller, got.Raw, wanted)
		}
	}
	admin, bob := by["admin"], by["member"]
	for name, c := range map[string]struct {
		from, to membertest.Member
		code     string
	}{
		"to an owner":        {bob, owner, rank},
		"of an owner":        {owner, bob, rank},
		"to oneself":         {bob, bob, "invalid_input"},
		"to a suspended one": {bob, add("member", access.Suspended), "wrong_status"},
		"to a removed one":   {bob, add("member", access.Removed), "wrong_status"},
		"to a pending one":   {bob, add("member", access.Pending), "wrong_status"},
		"to nobody":          {bob, membertest.Member{Member: member.Member{ID: id.NewUser(r.Now())}}, "member_not_found"},
		"of a suspended one": {add("member", access.Suspended), bob, ""},
		"to another gateway": {by["gateway"], add("gateway", ""), ""},
	} {
		if got := r.Call(t, "POST "+one(c.from)+"/transfer", admin.Secret, map[string]any{"user_id": c.to.ID}); got.Code() != c.code {
			t.Errorf("%s: %s, want %q", name, got.Raw, c.code)
		}
	}
	foreign := membertest.Found(t, r)
	for _, request := range []string{"PUT ", "POST "} {
		path := request + strings.Replace(one(foreign), string(foreign.Organization), string(owner.Organization), 1)
		if request == "POST " {
			path += "/rotate"
		}
		r.Refused(t, 404, "key_not_found", path, owner.Secret, map[string]any{})
	}
}

// Of transfers at once to one member, as many succeed as there is room for, and
// every other key stays where it was.
func TestTransfersAtOnceKeepTheBound(t *testing.T) {
	t.Parallel()
	r := rostertest.New(t, member.Endpoints, offboarding.Endpoints, apikey.Endpoints)
	owner := membertest.Found(t, r)
	to := membertest.Add(t, r, member.Member{Organization: owner.Organization, Role: permission.Member})
	for range apikey.MaxKeys - 3 {
		r.Must(t, 201, "POST "+keys(owner), to.Secret, map[string]any{"name": "k"})
	}
	from := make([]membertest.Member, 4)
	answers := make([]rostertest.Response, len(from))
	for i := range from {
		from[i] = membertest.Add(t, r, member.Member{Organization: owner.Organization, Role: permission.Member})
	}
	var all sync.WaitGroup
	for i := range from {
		all.Go(func() {
			answers[i] = r.Call(t, "POST "+one(from[i])+"/transfer", owner.Secret, map[string]any{"user_id": to.ID})
		})
	}
	all.Wait()
	moved := 0
	for i, a := range answers {
		if a.Status == 201 {
			moved++
		} else if a.Code() != "too_many_keys" {
			t.Errorf("%s", a.Raw)
		}
		if works(t, r, from[i], from[i].Secret) == (a.Status == 201) {
			t.Errorf("after %d, the old secret of %d works, or a kept one does not", a.Status, i)
		}
	}
	if moved != 2 {
		t.Errorf("%d keys were transferred, want 2", moved)
	}
}

// A rotation or transfer by a credential that ends meanwhile leaves no new secret.
func TestNoSecretIsMadeByACredentialThatIsRotatedMeanwhile(t *testing.T) {
	t.Parallel()
	between := new(meanwhile)
	r := rostertest.NewWith(t, func(next http.RoundTripper) http.RoundTripper {
		between.next = next
		return between
	}, member.Endpoints, offboarding.Endpoints, apikey.Endpoints)
	owner := membertest.Found(t, r)
	bob := membertest.Add(t, r, member.Member{Organization: owner.Organization, Role: permission.Member})
	carol := membertest.Add(t, r, member.Member{Organization: owner.Organization, Role: permission.Member})
	secret := owner.Secret
	for request, body := range map[string]any{
		"POST " + one(bob) + "/rotate":     nil,
		"POST " + one(owner) + "/rotate":   nil,
		"POST " + one(bob) + "/transfer":   map[string]any{"user_id": carol.ID},
		"POST " + one(carol) + "/transfer": map[string]any{"user_id": owner.ID},
	} {
		var next string
		between.do = func() { next = r.Must(t, 200, "POST "+one(owner)+"/rotate", secret, nil).String("key", "secret") }
		r.Refused(t, 401, "invalid_key", request, secret, body)
		secret = next
	}
	if !works(t, r, bob, bob.Secret) || !works(t, r, carol, carol.Secret) {
		t.Error("a key was changed by a credential that had ended")
	}
}
