package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// binary is the command, compiled as make run does; TestMain removes it.
var binary string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "roster-test-")
	if err != nil {
		panic(err)
	}
	binary = filepath.Join(dir, "roster")
	code := 1
	if out, err := exec.Command("go", "build", "-o", binary, ".").CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "%v\n%s", err, out)
	} else {
		code = m.Run()
	}
	os.RemoveAll(dir)
	os.Exit(code)
}

// process is a running command.
type process struct {
	*exec.Cmd
	url string
}

// start runs the command at a free port and waits until it serves.
func start(t *testing.T, data string, env ...string) *process {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := listener.Addr().String()
	listener.Close()
	p := &process{exec.CommandContext(t.Context(), binary), "http://" + addr}
	p.Env = append(os.Environ(), append([]string{"ROSTER_ADDR=" + addr, "ROSTER_DATA=" + data, "ROSTER_DEMO=0"}, env...)...)
	p.Stderr = os.Stderr
	out, err := p.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Process.Kill(); _ = p.Wait() })
	if line, err := bufio.NewReader(out).ReadString('\n'); err != nil || !strings.Contains(line, "Roster serves") {
		t.Fatalf("the first line is %q (%v)", line, err)
	}
	go func() { _, _ = io.Copy(io.Discard, out) }()
	return p
}

func (p *process) kill(t *testing.T) {
	t.Helper()
	if err := p.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = p.Wait()
}

// call sends a request and expects a success.
func (p *process) call(t *testing.T, request, credential string, body any) map[string]any {
	t.Helper()
	status, answer := p.try(t, request, credential, body)
	if status >= 300 {
		t.Fatalf("%s: %d %v", request, status, answer)
	}
	return answer
}

func (p *process) try(t *testing.T, request, credential string, body any) (int, map[string]any) {
	t.Helper()
	method, path, _ := strings.Cut(request, " ")
	var encoded []byte
	if body != nil {
		var err error
		if encoded, err = json.Marshal(body); err != nil {
			t.Fatal(err)
		}
	}
	r, err := http.NewRequestWithContext(t.Context(), method, p.url+path, bytes.NewReader(encoded))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	if credential != "" {
		r.Header.Set("Authorization", "Bearer "+credential)
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var answer map[string]any
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		t.Fatalf("%s: %v", request, err)
	}
	return response.StatusCode, answer
}

// mails waits until an address has at least n mails, and returns their subjects. A
// mail that was claimed by a process that was killed waits for its lease to end
// and then for the next sweep: up to two minutes.
func (p *process) mails(t *testing.T, to string, n int) []string {
	t.Helper()
	deadline := time.Now().Add(3 * time.Minute)
	for {
		var subjects []string
		for _, m := range p.call(t, "GET /_local/mail.json?to="+to, "", nil)["mails"].([]any) {
			subjects = append(subjects, m.(map[string]any)["subject"].(string))
		}
		if len(subjects) >= n {
			return subjects
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d mails to %s, want %d", len(subjects), to, n)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

const (
	password = "newpassword123"
	address  = "ada@example.com"
)

func registration(to string) map[string]any {
	return map[string]any{"email": to, "password": password, "name": "Ada", "organization": "Engines"}
}

func TestKillMinusNineLosesNothing(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	var keys []string
	for round := range 4 {
		p := start(t, data)
		for i, key := range keys {
			if got := p.call(t, "GET /v1/key", key, nil)["allowed"]; got != true {
				t.Errorf("round %d: key %d is not allowed: %v", round, i, got)
			}
		}
		to := fmt.Sprintf("ada%d@example.com", round)
		in := p.call(t, "POST /auth/register", "", registration(to))
		org := in["organization"].(map[string]any)["id"].(string)
		key := p.call(t, "POST /api/organizations/"+org+"/keys", in["access_token"].(string), map[string]any{"name": "key"})
		keys = append(keys, key["key"].(map[string]any)["secret"].(string))
		p.kill(t) // perhaps before its mail is sent
	}
	p := start(t, data)
	for round := range 4 {
		p.mails(t, fmt.Sprintf("ada%d@example.com", round), 1)
	}
	if status, answer := p.try(t, "POST /auth/register", "", registration("ada0@example.com")); status != 409 {
		t.Errorf("a known address registered again: %d %v", status, answer)
	}
}

func TestATakenPortIsOneClearLine(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	cmd := exec.CommandContext(t.Context(), binary)
	cmd.Env = append(os.Environ(), "ROSTER_ADDR="+listener.Addr().String(), "ROSTER_DATA="+t.TempDir())
	out, err := cmd.CombinedOutput()
	if err == nil {
		t.Fatal("it runs all the same")
	}
	if lines := strings.Split(strings.TrimSpace(string(out)), "\n"); len(lines) != 1 ||
		!strings.Contains(lines[0], listener.Addr().String()) || !strings.Contains(lines[0], "ROSTER_ADDR") {
		t.Errorf("it says:\n%s", out)
	}
}

func TestAFolderServesOneProcess(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	start(t, data)
	cmd := exec.CommandContext(t.Context(), binary)
	cmd.Env = append(os.Environ(), "ROSTER_ADDR=127.0.0.1:0", "ROSTER_DATA="+data)
	out, err := cmd.CombinedOutput()
	if err == nil || strings.Count(string(out), "\n") != 1 || !strings.Contains(string(out), "in use") {
		t.Errorf("a second process on the folder: %v\n%s", err, out)
	}
}

func TestTheClockCanBeMovedAndStaysMoved(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	p := start(t, data)
	in := p.call(t, "POST /auth/register", "", registration(address))
	token := in["access_token"].(string)
	p.call(t, "GET /auth/me", token, nil)
	tomorrow := time.Now().UTC().AddDate(0, 0, 1)
	p.call(t, "PUT /_local/clock", "", map[string]any{"now": tomorrow})
	if status, _ := p.try(t, "GET /auth/me", token, nil); status != 401 {
		t.Errorf("yesterday's access token: %d", status)
	}
	p.kill(t)
	again := start(t, data)
	now, err := time.Parse(time.RFC3339, again.call(t, "GET /_local/clock", "", nil)["now"].(string))
	if err != nil || now.Before(tomorrow) {
		t.Errorf("after a restart it is %v (%v), want %v or later", now, err, tomorrow)
	}
	if status, _ := again.try(t, "PUT /_local/clock", "", map[string]any{"now": "yesterday"}); status != 400 {
		t.Errorf("a malformed time: %d", status)
	}
}

func TestScheduledFunctionsRunOnDemand(t *testing.T) {
	t.Parallel()
	p := start(t, "memory")
	p.call(t, "POST /_local/run/sweep-outbox", "", nil)
	if status, _ := p.try(t, "POST /_local/run/invite", "", nil); status != 404 {
		t.Errorf("running what is not scheduled: %d", status)
	}
}

func TestSignUpCanBeClosed(t *testing.T) {
	t.Parallel()
	p := start(t, "memory", "ROSTER_SIGNUP=closed")
	if status, answer := p.try(t, "POST /auth/register", "", registration(address)); status != 403 {
		t.Errorf("founding an organization: %d %v", status, answer)
	}
}

func TestTheDemonstrationShowsEveryState(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	start(t, data, "ROSTER_DEMO=1").kill(t)
	p := start(t, data, "ROSTER_DEMO=1")
	demo := p.call(t, "GET /_local/demo.json", "", nil)
	key, members := demo["api_key"].(string), "GET /api/organizations/"+demo["organization_id"].(string)+"/members"
	for _, status := range []string{"active", "pending", "suspended", "removed"} {
		if rows := p.call(t, members+"?status="+status, key, nil)["members"].([]any); len(rows) == 0 {
			t.Errorf("nobody is %s", status)
		}
	}
	if rows := p.call(t, members+"?limit=100", key, nil)["members"].([]any); len(rows) < 38 {
		t.Errorf("%d members are listed", len(rows))
	}
	usage := p.call(t, "GET /api/organizations/"+demo["organization_id"].(string)+"/usage?group_by=user&start_date="+
		time.Now().UTC().AddDate(0, 0, -60).Format(time.DateOnly), key, nil)["usage"].(map[string]any)
	if rows := usage["by_member"].([]any); len(rows) < 25 {
		t.Errorf("usage of %d members", len(rows))
	}
	p.call(t, "POST /auth/login", "", map[string]any{"email": demo["email"], "password": demo["password"]})
}

// TestTheREADMEsTour pastes the tour into a shell.
func TestTheREADMEsTour(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, tour, ok := strings.Cut(string(readme), "```sh\nR=http://localhost:8080\n")
	tour, _, closed := strings.Cut(tour, "```")
	if !ok || !closed {
		t.Fatal("the README has no tour")
	}
	p := start(t, "memory")
	out, err := exec.CommandContext(t.Context(), "bash", "-euc", "R="+p.url+"\n"+tour).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	rest := string(out)
	for _, want := range []string{
		`"email_verified":true`, `"invitation":{`, `"members":[`, `"allowed":true`,
		`"status":"recorded"`, `"status":"duplicate"`, `"by_member":[{`, `"requests":1`,
		`"status":"suspended"`, `"code":"member_suspended"`, `"status":"removed"`, `"code":"invalid_key"`,
	} {
		_, after, found := strings.Cut(rest, want)
		if !found {
			t.Fatalf("the tour does not come to %s:\n%s", want, out)
		}
		rest = after
	}
}

// TestLocalRoutesAreForThisMachinesOwnPages: a page of another site, open in the
// developer's browser, must not reach what asks for no credential.
func TestLocalRoutesAreForThisMachinesOwnPages(t *testing.T) {
	t.Parallel()
	p := start(t, "memory")
	for name, test := range map[string]struct {
		method, path, host, origin, site string
		want                             int
	}{
		"curl":                     {"GET", "/_local/mail.json", "", "", "", 200},
		"localhost":                {"GET", "/_local/mail.json", "localhost:1234", "", "", 200},
		"IPv6":                     {"GET", "/_local/mail.json", "[::1]:1234", "", "", 200},
		"another name":             {"GET", "/_local/mail.json", "rebound.example:8080", "", "", 421},
		"another name, the page":   {"GET", "/_local/mail", "rebound.example", "", "", 421},
		"from another site":        {"PUT", "/_local/clock", "", "https://evil.example", "cross-site", 403},
		"run from another site":    {"POST", "/_local/run/sweep-outbox", "", "https://evil.example", "", 403},
		"run by the machine's own": {"POST", "/_local/run/sweep-outbox", "", "", "same-origin", 200},
	} {
		r, err := http.NewRequestWithContext(t.Context(), test.method, p.url+test.path, strings.NewReader(`{"now":"2027-01-01T00:00:00Z"}`))
		if err != nil {
			t.Fatal(err)
		}
		r.Host = test.host
		if test.origin != "" {
			r.Header.Set("Origin", test.origin)
		}
		if test.site != "" {
			r.Header.Set("Sec-Fetch-Site", test.site)
		}
		response, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if response.StatusCode != test.want {
			t.Errorf("%s: %d, want %d", name, response.StatusCode, test.want)
		}
	}
}
