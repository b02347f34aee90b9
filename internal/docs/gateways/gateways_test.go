// Package gateways_test runs the configurations of this folder in the gateways that they
// are for, in front of a model server, with a deployment of Roster behind them.
package gateways_test

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"gopkg.in/yaml.v3"

	"roster/internal/access"
	"roster/internal/limit"
	"roster/internal/member"
	"roster/internal/member/membertest"
	"roster/internal/permission"
	"roster/internal/rostertest"
	"roster/internal/usage"
)

type object = map[string]any

// world is a deployment, and a model server that gateways are in front of.
type world struct {
	*rostertest.Roster
	owner, gateway membertest.Member
	roster, model  *httptest.Server
	// down: Roster does not answer.
	down atomic.Bool
	// called is the last request that reached the model server.
	called atomic.Pointer[http.Request]
	calls  atomic.Int64
}

const completion = `{"id":"chatcmpl-%d","object":"chat.completion","model":"gpt-4o","choices":[{"index":0,"message":{"role":"assistant","content":"Hello!"}}],` +
	`"usage":{"prompt_tokens":1000,"completion_tokens":200,"total_tokens":1200,"prompt_tokens_details":{"cached_tokens":400},"completion_tokens_details":{"reasoning_tokens":50}}}`

func newWorld(t *testing.T) *world {
	r := rostertest.New(t, usage.AuthorizeEndpoints, usage.MeterEndpoints, limit.Endpoints)
	w := &world{Roster: r, owner: membertest.Found(t, r)}
	w.gateway = membertest.Add(t, r, member.Member{
		Organization: w.owner.Organization, Kind: member.ServiceAccount, Name: "Gateway", Role: permission.Gateway,
	})
	w.roster = httptest.NewServer(http.HandlerFunc(func(out http.ResponseWriter, in *http.Request) {
		if w.down.Load() {
			panic(http.ErrAbortHandler) // closes the connection
		}
		r.Handler().ServeHTTP(out, in)
	}))
	t.Cleanup(w.roster.Close)
	w.model = httptest.NewServer(http.HandlerFunc(func(out http.ResponseWriter, in *http.Request) {
		body, err := io.ReadAll(in.Body)
		if err != nil {
			t.Error(err)
		}
		in.Body = io.NopCloser(bytes.NewReader(body))
		w.called.Store(in)
		n := w.calls.Add(1)
		if in.URL.Path == "/forbidden" {
			http.Error(out, "the provider's own refusal", http.StatusForbidden)
			return
		}
		out.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(out, completion, n)
	}))
	t.Cleanup(w.model.Close)
	return w
}

func (w *world) add(t *testing.T) membertest.Member {
	t.Helper()
	return membertest.Add(t, w.Roster, member.Member{Organization: w.owner.Organization, Role: permission.Member})
}

// started is a gateway that runs.
type started struct{ url string }

// gateways start with what their configuration says of Roster that is down; open is for how
// long they let calls in then: not at all where it is zero.
var gateways = map[string]func(t *testing.T, w *world, open time.Duration) started{
	"nginx": startNginx,
	"caddy": startCaddy,
}

func startNginx(t *testing.T, w *world, open time.Duration) started {
	folder, address := t.TempDir(), freeAddress(t)
	config := replaced(t, "nginx.conf",
		"/run/", folder+"/",
		"127.0.0.1:8080", w.roster.Listener.Addr().String(),
		"127.0.0.1:8081", address,
		"127.0.0.1:8082", w.model.Listener.Addr().String())
	if open > 0 {
		config = replace(t, config, "default 1;", "default 0;")
		config = replace(t, config, "200 401 403 60s", fmt.Sprintf("200 401 403 %.0fs", open.Seconds()))
	}
	path := filepath.Join(folder, "nginx.conf")
	if err := os.WriteFile(path, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	main := "daemon off;"
	if os.Getuid() == 0 {
		main += " user root;" // who may use the test's folder
	}
	program, err := exec.LookPath("nginx")
	if err != nil {
		program = "/usr/sbin/nginx" // which is not in everybody's path
	}
	start(t, exec.Command(program, "-p", folder, "-c", path, "-g", main), address)
	return started{"http://" + address}
}

func startCaddy(t *testing.T, w *world, open time.Duration) started {
	address := freeAddress(t)
	host, port, _ := net.SplitHostPort(address)
	config, err := filepath.Abs("Caddyfile")
	if err != nil {
		t.Fatal(err)
	}
	command := exec.Command("caddy", "run", "--config", config, "--adapter", "caddyfile")
	command.Env = append(os.Environ(), "HOME="+t.TempDir(), "GATEWAY_HOST="+host, "GATEWAY_PORT="+port,
		"ROSTER_URL="+w.roster.URL, "MODEL_SERVER="+w.model.URL)
	if open > 0 {
		command.Env = append(command.Env, fmt.Sprintf("FAIL_OPEN_UNTIL=%d", time.Now().Add(open).Unix()))
	}
	start(t, command, address)
	return started{"http://" + address}
}

// start runs a gateway until the end of the test. One that is not installed is a failure.
func start(t *testing.T, command *exec.Cmd, address string) {
	t.Helper()
	var log bytes.Buffer
	command.Stdout, command.Stderr = &log, &log
	if err := command.Start(); err != nil {
		t.Fatalf("%s is needed (make programs): %v", command.Args[0], err)
	}
	over := make(chan error, 1)
	go func() { over <- command.Wait() }()
	t.Cleanup(func() {
		_ = command.Process.Signal(syscall.SIGTERM)
		<-over
		if t.Failed() {
			t.Logf("%s: %s", command.Args[0], log.String())
		}
	})
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		if connection, err := net.Dial("tcp", address); err == nil {
			connection.Close()
			return
		}
		select {
		case err := <-over:
			over <- err
			t.Fatalf("%s ended: %v\n%s", command.Args[0], err, log.String())
		default:
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s does not listen", command.Args[0])
		}
	}
}

// freeAddress is one on this machine that nobody listens on, of a port that the system
// gives to nobody who asks for any: else another test may have it before the gateway does.
func freeAddress(t *testing.T) string {
	t.Helper()
	for range 100 {
		address := fmt.Sprint("127.0.0.1:", 10_000+rand.IntN(20_000)) // Linux gives ports from 32768 on
		if listener, err := net.Listen("tcp", address); err == nil {
			listener.Close()
			return address
		}
	}
	t.Fatal("no port is free")
	return ""
}

// replaced is a file with old, new strings in it.
func replaced(t *testing.T, name string, pairs ...string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	config := string(text)
	for i := 0; i < len(pairs); i += 2 {
		config = replace(t, config, pairs[i], pairs[i+1])
	}
	return config
}

func replace(t *testing.T, text, from, to string) string {
	t.Helper()
	if !strings.Contains(text, from) {
		t.Fatalf("the configuration does not say %q", from)
	}
	return strings.ReplaceAll(text, from, to)
}

// answer is what a client gets.
type answer struct {
	status int
	header http.Header
	body   string
}

// call is a client's call of the model through a gateway; headers are name, value.
func (s started) call(t *testing.T, path string, headers ...string) answer {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), "POST", s.url+path, strings.NewReader(`{"model":"gpt-4o","messages":[]}`))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	for i := 0; i < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	response, err := http.DefaultTransport.RoundTrip(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{response.StatusCode, response.Header, string(body)}
}

func bearer(key string) []string { return []string{"Authorization", "Bearer " + key} }

// code is that of a refusal.
func (a answer) code() string {
	var problem struct {
		Code string `json:"code"`
	}
	if json.Unmarshal([]byte(a.body), &problem) != nil {
		return ""
	}
	return problem.Code
}

// overGateways runs a test through each gateway.
func overGateways(t *testing.T, open time.Duration, test func(t *testing.T, w *world, s started)) {
	t.Parallel()
	for name, start := range gateways {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			test(t, w, start(t, w, open))
		})
	}
}

func TestACallIsDecidedByRoster(t *testing.T) {
	overGateways(t, 0, func(t *testing.T, w *world, s started) {
		ada := w.add(t)
		for _, sent := range [][]string{bearer(ada.Secret), {"x-api-key", ada.Secret}, {"api-key", ada.Secret}} {
			got := s.call(t, "/v1/chat/completions?stream=false", append(sent, "X-Roster-User-Id", "usr_forged", "X-Roster-Model", "other/model")...)
			if got.status != 200 || !strings.Contains(got.body, "Hello!") {
				t.Fatalf("%v: %+v", sent, got)
			}
			request := w.called.Load()
			body, _ := io.ReadAll(request.Body)
			if request.Method != "POST" || request.RequestURI != "/v1/chat/completions?stream=false" || string(body) != `{"model":"gpt-4o","messages":[]}` {
				t.Errorf("the model server got %s %s %s", request.Method, request.RequestURI, body)
			}
			for name, want := range map[string]string{
				"Authorization": "Bearer provider-key", "X-Api-Key": "", "Api-Key": "",
				"X-Roster-User-Id": string(ada.ID), "X-Roster-Organization-Id": string(ada.Organization),
			} {
				if request.Header.Get(name) != want {
					t.Errorf("the model server got %s: %q, want %q", name, request.Header.Get(name), want)
				}
			}
		}
		if got := s.call(t, "/forbidden", bearer(ada.Secret)...); got.status != 403 || !strings.Contains(got.body, "the provider's own") {
			t.Errorf("what the model server refuses: %+v", got)
		}
	})
}

func TestACallIsRefused(t *testing.T) {
	overGateways(t, 0, func(t *testing.T, w *world, s started) {
		for name, refusal := range map[string]struct {
			change func(*member.Member)
			status int
			code   string
		}{
			"suspended": {func(m *member.Member) { m.Status = access.Suspended }, 403, "member_suspended"},
			"revoked":   {func(m *member.Member) { clear(m.Keys) }, 401, "invalid_key"},
		} {
			ada := w.add(t)
			if got := s.call(t, "/v1/chat/completions", bearer(ada.Secret)...); got.status != 200 {
				t.Fatalf("%+v", got)
			}
			membertest.Change(t, w.Roster, ada.Organization, ada.ID, refusal.change)
			calls := w.calls.Load()
			if got := s.call(t, "/v1/chat/completions", bearer(ada.Secret)...); got.status != refusal.status || got.code() != refusal.code {
				t.Errorf("%s: %+v", name, got)
			}
			if w.calls.Load() != calls {
				t.Errorf("%s: the model server was called", name)
			}
		}
		for _, sent := range [][]string{nil, bearer("rk_unknown"), bearer("sk-of-a-provider")} {
			if got := s.call(t, "/v1/chat/completions", sent...); got.status != 401 || got.code() == "" {
				t.Errorf("%v: %+v", sent, got)
			}
		}
	})
}

// Usage that is reported after a call decides about the next one.
func TestACallIsRefusedOverALimit(t *testing.T) {
	overGateways(t, 0, func(t *testing.T, w *world, s started) {
		ada := w.add(t)
		w.Must(t, 200, fmt.Sprintf("PUT /api/organizations/%s/spending-limits", ada.Organization), w.owner.Secret,
			object{"user_id": ada.ID, "monthly_limit": 1})
		for _, cost := range []float64{0.6, 0.6} { // the answer says of tokens, and not what they cost here
			got := s.call(t, "/v1/chat/completions", bearer(ada.Secret)...)
			if got.status != 200 {
				t.Fatalf("%+v", got)
			}
			request := w.called.Load()
			reported := w.Must(t, 200, "POST /v1/usage", w.gateway.Secret, object{"events": []object{{
				"key_id": request.Header.Get("X-Roster-Key-Id"), "provider": "openai", "response": jsontext.Value(got.body), "cost_usd": cost,
			}}})
			if !strings.Contains(string(reported.Raw), `"recorded"`) {
				t.Fatalf("%s", reported.Raw)
			}
		}
		calls := w.calls.Load()
		got := s.call(t, "/v1/chat/completions", bearer(ada.Secret)...)
		if got.status != 429 || got.code() != "limit_reached" || !strings.Contains(got.body, "monthly limit of 1 USD") ||
			got.header.Get("Retry-After") != "741600" || got.header.Get("X-Should-Retry") != "false" {
			t.Errorf("%+v", got)
		}
		if w.calls.Load() != calls {
			t.Error("the model server was called")
		}
	})
}

func TestNobodyIsLetInWhileRosterIsDown(t *testing.T) {
	overGateways(t, 0, func(t *testing.T, w *world, s started) {
		ada := w.add(t)
		if got := s.call(t, "/v1/chat/completions", bearer(ada.Secret)...); got.status != 200 {
			t.Fatalf("%+v", got)
		}
		calls := w.calls.Load()
		check := func(how string) {
			got := s.call(t, "/v1/chat/completions", bearer(ada.Secret)...)
			if got.status != 503 || got.code() != "roster_unavailable" || got.header.Get("Retry-After") != "1" {
				t.Errorf("%s: %+v", how, got)
			}
		}
		w.down.Store(true)
		check("closes connections")
		w.down.Store(false)
		if got := s.call(t, "/v1/chat/completions", bearer(ada.Secret)...); got.status != 200 {
			t.Errorf("back: %+v", got)
		}
		w.roster.Close()
		check("does not listen")
		if w.calls.Load() != calls+1 {
			t.Error("the model server was called")
		}
	})
}

// Each gateway ends by itself what it allows while Roster is down.
func TestCallsAreLetInForATimeWhileRosterIsDown(t *testing.T) {
	const open = 4 * time.Second
	overGateways(t, open, func(t *testing.T, w *world, s started) {
		ada, eve := w.add(t), w.add(t)
		membertest.Change(t, w.Roster, eve.Organization, eve.ID, func(m *member.Member) { m.Status = access.Suspended })
		for secret, want := range map[string]int{ada.Secret: 200, eve.Secret: 403} {
			if got := s.call(t, "/v1/chat/completions", bearer(secret)...); got.status != want {
				t.Fatalf("%+v", got)
			}
		}
		w.down.Store(true)
		if got := s.call(t, "/v1/chat/completions", bearer(ada.Secret)...); got.status != 200 || w.called.Load().Header.Get("Authorization") != "Bearer provider-key" {
			t.Errorf("within the time: %+v", got)
		}
		if got := s.call(t, "/v1/chat/completions", bearer("sk-of-a-provider")...); got.status != 503 {
			t.Errorf("no key of Roster's: %+v", got)
		}
		if strings.HasSuffix(t.Name(), "/nginx") { // which goes by what Roster said last of each key
			if got := s.call(t, "/v1/chat/completions", bearer(eve.Secret)...); got.status != 403 || got.code() != "member_suspended" {
				t.Errorf("who was refused before: %+v", got)
			}
			if got := s.call(t, "/v1/chat/completions", bearer(w.add(t).Secret)...); got.status != 503 {
				t.Errorf("of whom nothing is known: %+v", got)
			}
		}
		deadline := time.Now().Add(4 * open)
		for s.call(t, "/v1/chat/completions", bearer(ada.Secret)...).status == 200 {
			if time.Now().After(deadline) {
				t.Fatal("it does not end")
			}
			time.Sleep(100 * time.Millisecond)
		}
		if got := s.call(t, "/v1/chat/completions", bearer(ada.Secret)...); got.status != 503 {
			t.Errorf("after the time: %+v", got)
		}
	})
}

// Envoy and LiteLLM do not run here: what can be said of their configurations is that they
// can be read.
func TestOtherConfigurationsCanBeRead(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"envoy.yaml", "litellm.yaml"} {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		var config object
		if err := yaml.Unmarshal(text, &config); err != nil || len(config) == 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Log("no Python: roster_litellm.py stays unread")
		return
	}
	code := "import ast, sys; ast.parse(open(sys.argv[1]).read())"
	if out, err := exec.CommandContext(t.Context(), python, "-c", code, "roster_litellm.py").CombinedOutput(); err != nil {
		t.Errorf("roster_litellm.py: %v\n%s", err, out)
	}
}
