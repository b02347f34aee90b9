package api_test

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"roster/internal/api"
	"roster/internal/env"
	"roster/internal/fault"
	"roster/internal/id"
	"roster/internal/rostertest"
	"roster/internal/route"
	"roster/internal/table"
)

// caller is whoever the bearer token says.
type caller string

func (c caller) IdempotencyScope() string { return string(c) }

func anyCaller(_ context.Context, r *api.Request) (caller, error) {
	token, _ := r.Bearer()
	return caller(token), nil
}

type (
	create struct {
		Name string `json:"name"`
	}
	created struct {
		ID    string `json:"id"`
		Name  string `json:"name"`
		Count int    `json:"count"`
	}
)

func (c created) ETag() string { return `"` + c.Name + `"` }

// counted is how often something was created.
type counted struct {
	Count int `dynamodbav:"count"`
}

var countKey = table.Key{PK: "COUNT", SK: "COUNT"}

var errFull = fault.New(fault.Conflict, "full", "There is room for one of each name.")

// creations are three routes that create something: with a stored answer, with
// room for one of a name, and without Commit.
func creations(e *env.Env) []api.Endpoint {
	count := table.Write{Key: countKey, Update: "ADD #count :one", Values: table.V{"one": 1}}
	answer := func(in create) created { return created{ID: id.New("thing", e.Now()), Name: in.Name} }
	commit := func(ctx context.Context, _ caller, in create) (created, error) {
		return api.Commit(ctx, e.Table, answer(in), count)
	}
	return []api.Endpoint{
		api.Handle(route.CreateOrganization, anyCaller, commit),
		api.Handle(route.ResendVerification, anyCaller, commit),
		api.Handle(route.SwitchOrganization, anyCaller, func(ctx context.Context, _ caller, in create) (created, error) {
			claim := table.Write{Key: table.Key{PK: "NAME#" + in.Name, SK: "NAME"}, Put: in, If: table.Absent, Else: errFull}
			return api.Commit(ctx, e.Table, answer(in), claim, count)
		}),
		api.Handle(route.Logout, anyCaller, func(ctx context.Context, _ caller, in create) (created, error) {
			return answer(in), e.Table.Transact(ctx, count)
		}),
		api.Handle(route.Me, anyCaller, func(ctx context.Context, _ caller, _ struct{}) (created, error) {
			return answer(create{}), e.Table.Transact(ctx, count)
		}),
	}
}

func changes(t *testing.T, r *rostertest.Roster) int {
	t.Helper()
	var c *counted
	if err := r.Table.Get(t.Context(), table.Into(countKey, &c)); err != nil {
		t.Fatal(err)
	}
	if c == nil {
		return 0
	}
	return c.Count
}

const (
	creating = "POST /api/organizations" // answers 201
	claiming = "POST /auth/switch-org"
	idemKey  = "Idempotency-Key"
)

func TestARepeatGetsTheSameAnswerAndChangesNothing(t *testing.T) {
	t.Parallel()
	r := rostertest.New(t, creations)
	for _, request := range []string{creating, "POST /auth/logout"} { // with and without Commit
		before := changes(t, r)
		first := r.Call(t, request, "ada", `{"name":"a"}`, idemKey, "k")
		again := r.Call(t, request, "ada", `{"name":"a"}`, idemKey, "k")
		if first.Status != again.Status || !bytes.Equal(first.Raw, again.Raw) || first.Header.Get("Etag") != again.Header.Get("Etag") ||
			first.Header.Get("Etag") != `"a"` || first.Header.Get("Content-Type") != again.Header.Get("Content-Type") {
			t.Errorf("%s: %d %v %s\n%d %v %s", request, first.Status, first.Header, first.Raw, again.Status, again.Header, again.Raw)
		}
		if first.Header.Get("Idempotent-Replayed") != "" || again.Header.Get("Idempotent-Replayed") != "true" {
			t.Errorf("%s: a repeat is not told apart", request)
		}
		if n := changes(t, r) - before; n != 1 {
			t.Errorf("%s: %d changes", request, n)
		}
	}
	if got := r.Call(t, creating, "ada", `{"name":"a"}`, idemKey, "k"); got.Status != 201 {
		t.Errorf("status %d", got.Status)
	}
}

func TestAnotherRequestWithTheKeyIsRefused(t *testing.T) {
	t.Parallel()
	r := rostertest.New(t, creations)
	first := r.Must(t, 201, creating, "ada", `{"name":"a"}`, idemKey, "k")
	isProblem(t, r.Refused(t, 422, "idempotency_key_reused", creating, "ada", `{"name":"b"}`, idemKey, "k"))
	isProblem(t, r.Refused(t, 422, "idempotency_key_reused", creating, "ada", `{"name":"a" }`, idemKey, "k"))
	if again := r.Must(t, 201, creating, "ada", `{"name":"a"}`, idemKey, "k"); !bytes.Equal(again.Raw, first.Raw) {
		t.Errorf("%s after a refusal, %s before", again.Raw, first.Raw)
	}
	if n := changes(t, r); n != 1 {
		t.Errorf("%d changes", n)
	}
}

func TestKeysOfOthersAreSeparate(t *testing.T) {
	t.Parallel()
	r := rostertest.New(t, creations)
	seen := map[string]bool{}
	for _, by := range []struct{ request, who, key string }{
		{creating, "ada", "k"}, {creating, "eve", "k"}, {creating, "ada", "K"}, {creating, "ada\nPOST", "k"},
		{"POST /auth/verify-email/resend", "ada", "k"},
	} {
		got := r.Call(t, by.request, by.who, `{"name":"a"}`, idemKey, by.key)
		if got.Status >= 300 || seen[got.String("id")] || got.Header.Get("Idempotent-Replayed") != "" {
			t.Errorf("%+v: %d %s", by, got.Status, got.Raw)
		}
		seen[got.String("id")] = true
	}
}

// Who has no identity cannot get another's answer by guessing the key.
func TestAnonymousKeysAreBoundToTheWholeRequest(t *testing.T) {
	t.Parallel()
	r := rostertest.New(t, creations)
	first := r.Must(t, 201, creating, "", `{"name":"password of ada"}`, idemKey, "k")
	again := r.Must(t, 201, creating, "", `{"name":"password of ada"}`, idemKey, "k")
	other := r.Must(t, 201, creating, "", `{"name":"guess"}`, idemKey, "k")
	if again.String("id") != first.String("id") || other.String("id") == first.String("id") {
		t.Errorf("%s\n%s\n%s", first.Raw, again.Raw, other.Raw)
	}
}

func TestKeysAreForgottenAfterADay(t *testing.T) {
	t.Parallel()
	r := rostertest.New(t, creations)
	first := r.Must(t, 201, creating, "ada", `{"name":"a"}`, idemKey, "k")
	r.Advance(api.IdempotencyTTL - time.Second)
	if again := r.Must(t, 201, creating, "ada", `{"name":"a"}`, idemKey, "k"); again.String("id") != first.String("id") {
		t.Error("forgotten before its time")
	}
	r.Advance(time.Second)
	if again := r.Must(t, 201, creating, "ada", `{"name":"b"}`, idemKey, "k"); again.String("id") == first.String("id") {
		t.Error("kept after its time")
	}
	if n := changes(t, r); n != 2 {
		t.Errorf("%d changes", n)
	}
}

func TestTheFormOfKeys(t *testing.T) {
	t.Parallel()
	r := rostertest.New(t, creations)
	for _, refused := range []string{strings.Repeat("k", 256), "a b", "ké", "a\tb"} {
		isProblem(t, r.Refused(t, 422, "invalid_input", creating, "ada", `{"name":"a"}`, idemKey, refused))
	}
	r.Must(t, 201, creating, "ada", `{"name":"a"}`, idemKey, strings.Repeat("k", 255))
	if n := changes(t, r); n != 1 {
		t.Errorf("%d changes", n)
	}
	for range 2 { // a GET has no use for a key
		if got := r.Must(t, 200, "GET /auth/me", "ada", nil, idemKey, "k"); got.Header.Get("Idempotent-Replayed") != "" {
			t.Error("a GET is replayed")
		}
	}
}

func TestARefusalIsNotKept(t *testing.T) {
	t.Parallel()
	r := rostertest.New(t, creations)
	r.Must(t, 200, claiming, "eve", `{"name":"a"}`)
	r.Refused(t, 409, "full", claiming, "ada", `{"name":"a"}`, idemKey, "k")
	if err := r.Table.Transact(t.Context(), table.Write{Key: table.Key{PK: "NAME#a", SK: "NAME"}, Delete: true}); err != nil {
		t.Fatal(err)
	}
	r.Must(t, 200, claiming, "ada", `{"name":"a"}`, idemKey, "k")
}

func TestStoredAnswersAreSealed(t *testing.T) {
	t.Parallel()
	r := rostertest.New(t, creations)
	r.Must(t, 201, creating, "ada", `{"name":"confidential"}`, idemKey, "k")
	kept := 0
	for key, item := range r.DumpItems(t) {
		if !strings.HasPrefix(key.PK, "IK#") {
			continue
		}
		kept++
		for name, value := range item {
			if s, ok := value.(string); ok && name != "etag" && strings.Contains(s, "confidential") {
				t.Errorf("%s is %s", name, s)
			}
		}
	}
	if kept != 1 {
		t.Errorf("%d answers are kept", kept)
	}
}

func TestTwoAtOnceChangeOneThingAndGetOneAnswer(t *testing.T) {
	t.Parallel()
	for _, request := range []string{creating, claiming} {
		r := rostertest.New(t, creations)
		var (
			wg      sync.WaitGroup
			answers [8]rostertest.Response
		)
		for i := range answers {
			wg.Go(func() { answers[i] = r.Call(t, request, "ada", `{"name":"a"}`, idemKey, "k") })
		}
		wg.Wait()
		for _, a := range answers {
			if a.Status != answers[0].Status || a.Status >= 300 || !bytes.Equal(a.Raw, answers[0].Raw) {
				t.Errorf("%s: %d %s\n%d %s", request, a.Status, a.Raw, answers[0].Status, answers[0].Raw)
			}
		}
		if n := changes(t, r); n != 1 {
			t.Errorf("%s: %d changes", request, n)
		}
	}
}

func TestTwoAtOnceWithOtherBodiesChangeOneThing(t *testing.T) {
	t.Parallel()
	r := rostertest.New(t, creations)
	var (
		wg      sync.WaitGroup
		answers [8]rostertest.Response
	)
	for i := range answers {
		wg.Go(func() {
			answers[i] = r.Call(t, creating, "ada", `{"name":"`+string(rune('a'+i))+`"}`, idemKey, "k")
		})
	}
	wg.Wait()
	made := 0
	for _, a := range answers {
		switch {
		case a.Status == 201:
			made++
		case a.Code() != "idempotency_key_reused":
			t.Errorf("%d %s", a.Status, a.Raw)
		}
	}
	if n := changes(t, r); made != 1 || n != 1 {
		t.Errorf("%d answers, %d changes", made, n)
	}
}

// crashing loses the answer of the first n transactions, which were made; whoever
// asks again at once is not heard either.
func crashing(n int64) (func(http.RoundTripper) http.RoundTripper, *atomic.Bool) {
	down := new(atomic.Bool)
	var calls atomic.Int64
	return func(next http.RoundTripper) http.RoundTripper {
		return rostertest.RoundTrip(func(r *http.Request) (*http.Response, error) {
			if down.Load() {
				return nil, errors.New("the function is gone")
			}
			response, err := next.RoundTrip(r)
			if err == nil && strings.HasSuffix(r.Header.Get("X-Amz-Target"), ".TransactWriteItems") && calls.Add(1) <= n {
				response.Body.Close()
				down.Store(true)
				return nil, errors.New("the function is gone")
			}
			return response, err
		})
	}, down
}

func TestAChangeWhoseAnswerWasLostIsNotMadeAgain(t *testing.T) {
	t.Parallel()
	for _, request := range []string{creating, claiming} {
		t.Run(request, func(t *testing.T) {
			t.Parallel()
			transport, down := crashing(1)
			r := rostertest.NewWith(t, transport, creations)
			isProblem(t, r.Refused(t, 503, "storage_unavailable", request, "ada", `{"name":"a"}`, idemKey, "k"))
			down.Store(false)
			if n := changes(t, r); n != 1 {
				t.Fatalf("%d changes before the retry", n)
			}
			got := r.Call(t, request, "ada", `{"name":"a"}`, idemKey, "k")
			if got.Status >= 300 || got.String("name") != "a" || got.Header.Get("Idempotent-Replayed") != "true" {
				t.Errorf("%d %s", got.Status, got.Raw)
			}
			if n := changes(t, r); n != 1 {
				t.Errorf("%d changes after the retry", n)
			}
		})
	}
}
