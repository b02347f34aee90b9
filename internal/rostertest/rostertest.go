// Package rostertest runs Roster's handlers for tests: real HTTP requests become
// API Gateway events, and the table is one of a real engine, new for each test.
package rostertest

import (
	"bytes"
	"cmp"
	"context"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/go-json-experiment/json"
	_ "pgregory.net/rapid" // has the flag

	"roster/infra/local/engine/enginetest"
	"roster/infra/local/gateway"
	"roster/infra/local/objects"
	"roster/infra/local/trigger"
	"roster/internal/api"
	"roster/internal/boot"
	"roster/internal/email"
	"roster/internal/env"
	"roster/internal/envelope"
	"roster/internal/file"
	"roster/internal/file/s3file"
	"roster/internal/id"
	"roster/internal/openapi/conform"
	"roster/internal/outbox"
	"roster/internal/route"
	"roster/internal/secret"
	"roster/internal/table"
	"roster/internal/user"
)

// init bounds the property tests, whose every step is a call over a real table:
// -rapid.checks asks for more.
func init() {
	if err := flag.Set("rapid.checks", "30"); err != nil {
		panic(err)
	}
	user.HashAt(user.Cost{Memory: 8, Passes: 1}) // the least that there is
}

// Roster is a deployment of one test.
type Roster struct {
	*env.Env
	mux       *http.ServeMux
	now       atomic.Int64
	ip        string
	tableName string
	// changes is the table's stream, for Arrange.
	changes func() (*trigger.Stream, error)
	// seen are the mails that Mails returned, by their ids.
	seen   map[string]int
	seenMu sync.Mutex
	// documented are the routes whose answers have to fit the OpenAPI document.
	documented map[string]route.ID
}

// SetupToken is the set-up token of test deployments.
const SetupToken = "set-up-token-of-a-test"

// secretValue is the secret of test deployments.
const secretValue = "the secret of a deployment that lives as long as a test"

// New makes a deployment with open sign-up that serves the endpoints.
func New(t testing.TB, features ...boot.Endpoints) *Roster {
	t.Helper()
	return NewWith(t, func(next http.RoundTripper) http.RoundTripper { return next }, features...)
}

var tables atomic.Int64

// NewWith is New with a transport between the SDK and the engine, to inject faults.
func NewWith(t testing.TB, transport func(http.RoundTripper) http.RoundTripper, features ...boot.Endpoints) *Roster {
	t.Helper()
	name := fmt.Sprintf("test-%d-%d", time.Now().UnixNano(), tables.Add(1))
	if err := table.Create(t.Context(), client(t, http.DefaultTransport), name); err != nil {
		t.Fatal(err)
	}
	keys := sync.OnceValues(func() (*secret.Keys, error) { return secret.Derive(secretValue) })
	n := tables.Add(1)
	r := &Roster{mux: http.NewServeMux(), documented: map[string]route.ID{}, seen: map[string]int{}, tableName: name, ip: fmt.Sprintf("192.0.2.%d", n%250+1)}
	r.now.Store(time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC).UnixNano())
	r.Env = &env.Env{
		Table:      table.New(client(t, transport(http.DefaultTransport)), name),
		Keys:       func(context.Context) (*secret.Keys, error) { return keys() },
		Sealer:     envelope.New(envelope.Secret(func(context.Context) (*secret.Keys, error) { return keys() })),
		SetupToken: func(context.Context) (string, error) { return SetupToken, nil },
		Now:        func() time.Time { return time.Unix(0, r.now.Load()).UTC() },
		Sleep: func(_ context.Context, d time.Duration) error {
			r.Advance(d)
			return nil
		},
		Files:      bucket(),
		Log:        slog.New(slog.NewTextHandler(testLog{t}, &slog.HandlerOptions{Level: slog.LevelError})),
		PublicURL:  "https://roster.example.com",
		OpenSignUp: true,
	}
	r.changes = sync.OnceValues(func() (*trigger.Stream, error) { return r.stream(t) })
	var all []api.Endpoint
	for _, endpoints := range features {
		all = append(all, endpoints(r.Env)...)
	}
	handler := api.NewHandler(r.Env, all)
	for _, e := range all {
		r.mux.Handle(pattern(e.Route.Key), gateway.Handler(e.Route.Key, handler))
		if !strings.Contains(e.UseCase, "_test.") { // some tests put use cases of their own behind routes
			r.documented[pattern(e.Route.Key)] = e.Route.ID
		}
	}
	r.mux.Handle("/", gateway.Handler(route.Default, handler))
	r.documented["/"] = ""
	return r
}

// CopyWith is NewWith for a deployment that holds what this one does, at the same time
// and called from the same place: what is costly to make is made once.
func (r *Roster) CopyWith(t testing.TB, transport func(http.RoundTripper) http.RoundTripper, features ...boot.Endpoints) *Roster {
	t.Helper()
	c := NewWith(t, transport, features...)
	c.ip = r.ip
	c.now.Store(r.now.Load())
	db := client(t, http.DefaultTransport)
	var puts []types.WriteRequest
	for _, item := range r.items(t) {
		puts = append(puts, types.WriteRequest{PutRequest: &types.PutRequest{Item: item}})
	}
	for batch := range slices.Chunk(puts, 25) { // as many as a call takes
		out, err := db.BatchWriteItem(t.Context(), &dynamodb.BatchWriteItemInput{
			RequestItems: map[string][]types.WriteRequest{c.tableName: batch},
		})
		if err != nil || len(out.UnprocessedItems) > 0 {
			t.Fatalf("copying a table: %v, %d items left", err, len(out.UnprocessedItems))
		}
	}
	return c
}

// items are all of the table's.
func (r *Roster) items(t testing.TB) (all []table.Item) {
	t.Helper()
	pages := dynamodb.NewScanPaginator(client(t, http.DefaultTransport), &dynamodb.ScanInput{
		TableName: &r.tableName, ConsistentRead: aws.Bool(true),
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, item := range page.Items {
			all = append(all, item)
		}
	}
	return all
}

// pattern is net/http's for a route key: there, "/" alone would be every path.
func pattern(key string) string {
	if strings.HasSuffix(key, " /") {
		return key + "{$}"
	}
	return key
}

func client(t testing.TB, transport http.RoundTripper) *dynamodb.Client {
	return dynamodb.New(dynamodb.Options{
		Region:       "eu-central-1",
		BaseEndpoint: aws.String(enginetest.Endpoint(t)),
		HTTPClient:   &http.Client{Transport: boot.BufferedBody{Next: transport}},
		Retryer:      retry.NewStandard(func(o *retry.StandardOptions) { o.MaxBackoff = time.Millisecond }),
		Credentials:  credentials,
	})
}

var credentials = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
	return aws.Credentials{AccessKeyID: "test", SecretAccessKey: "test"}, nil
})

// bucket is where the files of all tests of a process are.
var bucket = sync.OnceValue(func() file.Store {
	handler, err := objects.New("")
	if err != nil {
		panic(err)
	}
	options := objects.Options(httptest.NewServer(handler).URL) // ends with the process
	return s3file.New(s3.New(options), s3.New(options), objects.Bucket)
})

// testLog shows what handlers log with the test that caused it.
type testLog struct{ t testing.TB }

func (l testLog) Write(b []byte) (int, error) {
	l.t.Log(strings.TrimSpace(string(b)))
	return len(b), nil
}

// Advance moves the clock.
func (r *Roster) Advance(d time.Duration) { r.now.Add(int64(d)) }

// Handler serves the deployment to other clients than Call, such as a browser.
func (r *Roster) Handler() http.Handler { return r.mux }

// Response is an answer.
type Response struct {
	Status int
	Header http.Header
	Raw    []byte
	// JSON is the body, where it is an object.
	JSON map[string]any
}

// Code returns the problem's code; empty for a success.
func (r Response) Code() string { code, _ := r.JSON["code"].(string); return code }

// At returns the value at a path of member names; nil if there is none.
func (r Response) At(path ...string) any {
	var v any = r.JSON
	for _, name := range path {
		m, ok := v.(map[string]any)
		if !ok {
			return nil
		}
		v = m[name]
	}
	return v
}

// String returns the string at a path of member names.
func (r Response) String(path ...string) string { s, _ := r.At(path...).(string); return s }

// Call sends a request: method and path as in "POST /auth/login"; a credential or
// none; and a body that is sent as it is (string, []byte), as JSON, or not at all
// (nil). Further headers follow as name, value.
func (r *Roster) Call(t testing.TB, request, credential string, body any, headers ...string) Response {
	t.Helper()
	return r.CallContext(t, t.Context(), request, credential, body, headers...)
}

// CallContext is Call with a context, such as one that records capacity. Every
// answer has to fit the OpenAPI document.
func (r *Roster) CallContext(t testing.TB, ctx context.Context, request, credential string, body any, headers ...string) Response {
	t.Helper()
	method, target, _ := strings.Cut(request, " ")
	var raw []byte
	switch body := body.(type) {
	case nil:
	case string:
		raw = []byte(body)
	case []byte:
		raw = body
	default:
		encoded, err := json.Marshal(body, json.Deterministic(true))
		if err != nil {
			t.Fatal(err)
		}
		raw = encoded
	}
	req := httptest.NewRequestWithContext(ctx, method, target, bytes.NewReader(raw))
	req.RemoteAddr = "127.0.0.1:1234"
	req.Header.Set("X-Forwarded-For", r.ip)
	if raw != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if credential != "" {
		req.Header.Set("Authorization", "Bearer "+credential)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	recorder := httptest.NewRecorder()
	_, pattern := r.mux.Handler(req)
	r.mux.ServeHTTP(recorder, req)
	answer := read(t, recorder.Result())
	if id, ok := r.documented[pattern]; ok {
		if err := conform.Check(id, answer.Status, answer.Header.Get("Content-Type"), answer.Raw); err != nil {
			t.Errorf("%s does not fit the OpenAPI document: %v", request, err)
		}
	}
	return answer
}

func read(t testing.TB, answer *http.Response) Response {
	t.Helper()
	raw, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	out := Response{Status: answer.StatusCode, Header: answer.Header, Raw: raw}
	if len(raw) > 0 && raw[0] == '{' {
		if err := json.Unmarshal(raw, &out.JSON); err != nil {
			t.Fatalf("answer is not JSON: %v\n%s", err, raw)
		}
	}
	return out
}

// Must is Call that expects a status.
func (r *Roster) Must(t testing.TB, status int, request, credential string, body any, headers ...string) Response {
	t.Helper()
	answer := r.Call(t, request, credential, body, headers...)
	if answer.Status != status {
		t.Fatalf("%s: status %d, want %d\n%s", request, answer.Status, status, answer.Raw)
	}
	return answer
}

// Refused is Call that expects a problem.
func (r *Roster) Refused(t testing.TB, status int, code, request, credential string, body any, headers ...string) Response {
	t.Helper()
	answer := r.Must(t, status, request, credential, body, headers...)
	if answer.Code() != code {
		t.Fatalf("%s: code %q, want %q\n%s", request, answer.Code(), code, answer.Raw)
	}
	return answer
}

// Mail is a mail that waits in the outbox, its link opened.
type Mail struct {
	outbox.Mail
	ID string
}

// Mails returns the waiting mails to an address, oldest first; of one millisecond, whose
// ids tell no order, those first that were returned before.
func (r *Roster) Mails(t testing.TB, to string) []Mail {
	t.Helper()
	waiting, err := outbox.Waiting(t.Context(), r.Env)
	if err != nil {
		t.Fatal(err)
	}
	var all []Mail
	for _, item := range waiting {
		if to != "" && item.To != email.Address(to) {
			continue
		}
		m, err := item.Open(t.Context(), r.Env)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, Mail{m, item.ID})
	}
	r.seenMu.Lock()
	defer r.seenMu.Unlock()
	for _, m := range all {
		if _, known := r.seen[m.ID]; !known {
			r.seen[m.ID] = len(r.seen)
		}
	}
	slices.SortFunc(all, func(a, b Mail) int { return cmp.Compare(r.seen[a.ID], r.seen[b.ID]) })
	return all
}

// LastMail returns the newest waiting mail to an address.
func (r *Roster) LastMail(t testing.TB, to string) Mail {
	t.Helper()
	all := r.Mails(t, to)
	if len(all) == 0 {
		t.Fatalf("no mail to %s", to)
	}
	return all[len(all)-1]
}

// LinkToken returns the token of the mail's link: its fragment.
func (m Mail) LinkToken() string {
	_, token, _ := strings.Cut(m.Data.Link, "#")
	return token
}

// OrganizationOf returns the organization in an answer's tokens.
func (r Response) OrganizationOf() id.Organization {
	return id.Organization(r.String("organization", "id"))
}

// DumpItems returns every item of the table but those whose partition key begins
// with one of the prefixes.
func (r *Roster) DumpItems(t testing.TB, but ...string) map[table.Key]map[string]any {
	t.Helper()
	all := map[table.Key]map[string]any{}
	for _, item := range r.items(t) {
		key, err := table.Decode[table.Key](item)
		if err != nil {
			t.Fatal(err)
		}
		if slices.ContainsFunc(but, func(prefix string) bool { return strings.HasPrefix(key.PK, prefix) }) {
			continue
		}
		values, err := table.Decode[map[string]any](item)
		if err != nil {
			t.Fatal(err)
		}
		all[key] = values
	}
	return all
}

// Forget empties the outbox, as if its mails had been sent.
func (r *Roster) Forget(t testing.TB) {
	t.Helper()
	waiting, err := outbox.Waiting(t.Context(), r.Env)
	if err != nil {
		t.Fatal(err)
	}
	for _, item := range waiting {
		if err := r.Table.Transact(t.Context(), table.Write{Key: table.Outbox(item.Shard, item.ID), Delete: true}); err != nil {
			t.Fatal(err)
		}
	}
}

// IP is where the calls come from.
func (r *Roster) IP() string { return r.ip }
