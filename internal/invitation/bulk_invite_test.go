package invitation_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/go-cmp/cmp"

	"roster/internal/invitation"
	"roster/internal/job"
	"roster/internal/job/jobtest"
	"roster/internal/member/membertest"
	"roster/internal/rostertest"
)

func (w world) bulk() string { return "POST " + w.path("/members/invite/bulk") }

// csv uploads a table.
func (w world) csv(t testing.TB, query, sheet string) rostertest.Response {
	t.Helper()
	return w.Call(t, w.bulk()+query, w.owner.token, sheet, "Content-Type", "text/csv; charset=utf-8")
}

// outcomes are the status and code of each result, and the detail where it is one
// of this route's own.
func outcomes(answer rostertest.Response) []string {
	var all []string
	results, _ := answer.At("results").([]any)
	for n, r := range results {
		r := r.(map[string]any)
		if r["index"] != float64(n) {
			return []string{"out of order: " + string(answer.Raw)}
		}
		all = append(all, strings.TrimSpace(fmt.Sprint(r["status"], " ", r["code"])))
	}
	return all
}

func details(answer rostertest.Response) string {
	var all []string
	results, _ := answer.At("results").([]any)
	for _, r := range results {
		detail, _ := r.(map[string]any)["detail"].(string)
		all = append(all, detail)
	}
	return strings.Join(all, "\n")
}

// everyOutcome is a bulk invitation with an entry of each outcome, in both forms.
func everyOutcome(t *testing.T, w world) (list, sheet string, want []string) {
	t.Helper()
	team := membertest.AddTeam(t, w.Roster, w.org)
	active, suspended := w.member(t, "active@example.com", "member"), w.member(t, "suspended@example.com", "member")
	w.suspend(t, suspended.user)
	w.invite(t, map[string]any{"email": "same@example.com", "role": "member", "name": "Same"})
	w.invite(t, map[string]any{"email": "other@example.com", "role": "member"})
	list = fmt.Sprintf(`{"invitations":[
		{"email":"new@example.com","role":"developer","name":"New","message":"Hello","team_ids":[%q],"metadata":{"dept":"R"},"preset":"developer","monthly_limit":200.5,"daily_limit":null},
		{"email":"NEW@example.com","role":"member"},
		{"email":"same@example.com","role":"member","name":"Same"},
		{"email":"other@example.com","role":"admin"},
		{"email":%q},
		{"email":"suspended@example.com"},
		{"email":"gone@example.com","team_ids":["team_01ARZ3NDEKTSV4RRFFQ69G5FAV"]},
		{"email":"x@example.com","role":"emperor"},
		{"email":"none"},
		{"email":"y@example.com","shoe":1},
		{"email":"z@example.com","monthly_limit":"x"},
		17
	]}`, team, active.email)
	sheet = "role,E-Mail,name,message,teams,metadata.dept,preset,monthly_limit,daily_limit\r\n" +
		"developer,new@example.com,New,Hello,TEAM,R,developer,200.5,unlimited\r\n" +
		"member,NEW@example.com\r\n" +
		"member,same@example.com,Same\r\n" +
		"admin,other@example.com\r\n" +
		"," + active.email + "\r\n" +
		",suspended@example.com\r\n" +
		",gone@example.com,,,No such team\r\n" +
		"emperor,x@example.com\r\n" +
		",none\r\n" +
		",y@example.com,,,,,,,,1\r\n" +
		",z@example.com,,,,,,x\r\n" +
		"a\"b,zz@example.com\r\n"
	want = []string{
		"done invited", "unchanged duplicate", "unchanged already_invited", "done renewed", "failed already_member",
		"failed member_suspended", "failed team_not_found", "failed invalid_input", "failed invalid_input",
		"failed unknown_field", "failed invalid_input", "failed malformed_body",
	}
	return list, sheet, want
}

func TestBulkInviteAnswersEntryByEntry(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	list, sheet, want := everyOutcome(t, w)
	wantCSV := append(append([]string{}, want[:9]...), "failed malformed_row", "failed invalid_input", "failed malformed_row")
	before := w.DumpItems(t, "TH#")
	dryCSV := w.csv(t, "?dry_run=true", sheet)
	if diff := cmp.Diff(wantCSV, outcomes(dryCSV)); diff != "" {
		t.Errorf("dry run of CSV: %s\n%s", diff, dryCSV.Raw)
	}
	dry := w.Must(t, 200, w.bulk()+"?dry_run=true", w.owner.token, list)
	if diff := cmp.Diff(want, outcomes(dry)); diff != "" || dry.At("dry_run") != true {
		t.Errorf("dry run: %s\n%s", diff, dry.Raw)
	}
	if diff := cmp.Diff(before, w.DumpItems(t, "TH#")); diff != "" {
		t.Errorf("a dry run wrote: %s", diff)
	}
	for _, says := range []string{
		"line 2 already", "line 8, column 21 (teams): ", "line 9, column 1 (role): ", "line 10, column 2 (email): ",
		"line 11, column 23: ", "line 12, column 21 (monthly_limit): ", "line 13, column 2: ",
	} {
		if !strings.Contains(details(dryCSV), says) {
			t.Errorf("no detail says %q:\n%s", says, details(dryCSV))
		}
	}
	for _, says := range []string{
		"/invitations/0 already", "/invitations/6/team_ids/0 ", "/invitations/7/role ", "/invitations/8/email ", "/invitations/9/shoe ",
		"/invitations/10/monthly_limit ", "/invitations/11 ",
	} {
		if !strings.Contains(details(dry), says) {
			t.Errorf("no detail says %q:\n%s", says, details(dry))
		}
	}

	w.Advance(time.Minute)
	w.Forget(t)
	made := w.csv(t, "", sheet)
	if diff := cmp.Diff(wantCSV, outcomes(made)); diff != "" {
		t.Errorf("%s\n%s", diff, made.Raw)
	}
	if n := len(w.Mails(t, "")); n != 2 {
		t.Errorf("%d mails", n)
	}

	again := append([]string{"unchanged already_invited"}, wantCSV[1:]...)
	again[3] = "unchanged already_invited"
	before = w.DumpItems(t)
	w.Advance(time.Minute)
	if repeat := w.csv(t, "", sheet); cmp.Diff(again, outcomes(repeat)) != "" || strings.Contains(string(repeat.Raw), "link") {
		t.Errorf("again: %s", repeat.Raw)
	}
	// A list says the same as the table.
	again = append(again[:9:9], want[9:]...)
	if repeat := w.Must(t, 200, w.bulk(), w.owner.token, list); cmp.Diff(again, outcomes(repeat)) != "" {
		t.Errorf("again: %s", repeat.Raw)
	}
	if diff := cmp.Diff(before, w.DumpItems(t)); diff != "" {
		t.Errorf("the same again changed: %s", diff)
	}

	results, _ := made.At("results").([]any)
	link, _ := results[0].(map[string]any)["invitation"].(map[string]any)["link"].(string)
	_, token, _ := strings.Cut(link, "#")
	if shown := w.Must(t, 200, "GET /auth/invitations/"+token, "", nil); !strings.Contains(string(shown.Raw), "developer") {
		t.Errorf("%s", shown.Raw)
	}
	m := w.get(t, loggedIn(w.acceptNew(t, w.mailed(t, "new@example.com"))).user)
	if len(m.Teams) != 1 || m.Metadata != `{"dept":"R"}` || m.Offer == nil || m.Offer.Preset != "developer" || *m.Offer.MonthlyLimit != "200.5" {
		t.Errorf("the member lacks what was offered: %+v %+v", m, m.Offer)
	}
}

func TestBulkInviteRefusesWhatIsNoList(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	before := w.DumpItems(t, "TH#")
	w.Refused(t, 422, "invalid_input", w.bulk(), w.owner.token, `{"invitations":[]}`)
	w.Refused(t, 422, "invalid_input", w.bulk(), w.owner.token, `{}`)
	w.Refused(t, 413, "too_many_rows", w.bulk(), w.owner.token, `{"invitations":[`+strings.Repeat("1,", 10_000)+`1]}`)
	for sheet, want := range map[string]string{
		"": "malformed_csv", "email": "invalid_input", "email,x\n": "unknown_column", "email,name\na@b.example,\"A\nb@b.example\n": "malformed_csv",
		"email\n" + strings.Repeat("a@b.example\n", 10_001): "too_many_rows",
	} {
		if answer := w.csv(t, "", sheet); answer.Code() != want {
			t.Errorf("%.40q: %s", sheet, answer.Raw)
		}
	}
	if answer := w.csv(t, "", "email,name\na@b.example,\"A\nb@b.example\n"); answer.At("line") != 4.0 && answer.At("line") != 3.0 || answer.At("column") == nil {
		t.Errorf("no place: %s", answer.Raw)
	}
	w.Refused(t, 415, "unsupported_media_type", w.bulk(), w.owner.token, "email\n", "Content-Type", "text/plain")
	unproven := w.Must(t, 201, "POST /auth/register", "", map[string]any{
		"email": "eve@example.com", "password": password, "name": "Eve", "organization": "Hers"})
	w.Refused(t, 403, "email_unverified", "POST /api/organizations/"+string(unproven.OrganizationOf())+"/members/invite/bulk",
		unproven.String("access_token"), `{"invitations":[{"email":"a@b.example"}]}`)
	for key := range w.DumpItems(t, "TH#") {
		if _, was := before[key]; !was && strings.HasPrefix(key.PK, "I#") {
			t.Errorf("%v was written", key)
		}
	}
}

// Who may not make owners, or lacks what a role grants, does not by a list either.
func TestBulkInviteGrantsNoMoreThanTheCallerHas(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	admin := w.member(t, "admin@example.com", "admin")
	answer := w.Must(t, 200, w.bulk(), admin.token, `{"invitations":[{"email":"a@b.example","role":"owner"},{"email":"b@b.example","role":"admin"}]}`)
	if got := outcomes(answer); len(got) != 2 || !strings.HasPrefix(got[0], "failed ") || got[1] != "done invited" {
		t.Errorf("%s", answer.Raw)
	}
	// What is open by someone who may grant it no more is no invitation any more.
	w.remove(t, admin.user)
	w.Advance(time.Second)
	if got := outcomes(w.Must(t, 200, w.bulk(), w.owner.token, `{"invitations":[{"email":"b@b.example","role":"admin"}]}`)); got[0] != "done renewed" {
		t.Errorf("%v", got)
	}
	// Nor is one whose time is over.
	w.Advance(8 * 24 * time.Hour)
	if got := outcomes(w.Must(t, 200, w.bulk(), w.owner.token, `{"invitations":[{"email":"b@b.example","role":"admin"}]}`)); got[0] != "done renewed" {
		t.Errorf("%v", got)
	}
}

func TestBulkInviteMailsAnAddressThreeTimesADay(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var got []string
	for n := range 4 {
		body := fmt.Sprintf(`{"invitations":[{"email":"a@b.example","name":"Name %d"}]}`, n)
		dry := w.Must(t, 200, w.bulk()+"?dry_run=true", w.owner.token, body)
		made := w.Must(t, 200, w.bulk(), w.owner.token, body)
		if diff := cmp.Diff(outcomes(dry), outcomes(made)); diff != "" {
			t.Errorf("the dry run says otherwise: %s", diff)
		}
		got = append(got, outcomes(made)...)
		w.Advance(time.Second)
	}
	want := []string{"done invited", "done renewed", "done renewed", "failed too_many_requests"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestBulkInviteTwiceAtOnceInvitesOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	sheet := "email,role\n"
	for n := range 20 {
		sheet += fmt.Sprintf("p%d@example.com,member\n", n)
	}
	var (
		wg   sync.WaitGroup
		mu   sync.Mutex
		seen = map[string]int{}
	)
	for range 2 {
		wg.Go(func() {
			answer := w.csv(t, "", sheet)
			mu.Lock()
			defer mu.Unlock()
			for n, outcome := range outcomes(answer) {
				seen[fmt.Sprint(n, " ", outcome)]++
			}
		})
	}
	wg.Wait()
	for n := range 20 {
		if seen[fmt.Sprint(n, " done invited")] != 1 || seen[fmt.Sprint(n, " unchanged already_invited")] != 1 {
			t.Errorf("row %d: %v", n, seen)
		}
		if mails := w.Mails(t, fmt.Sprintf("p%d@example.com", n)); len(mails) != 1 {
			t.Errorf("row %d: %d mails", n, len(mails))
		}
	}
}

func TestBulkInviteWithAnIdempotencyKeyShowsItsLinksAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	body := `{"invitations":[{"email":"a@b.example"},{"email":"b@b.example"}]}`
	first := w.Must(t, 200, w.bulk(), w.owner.token, body, "Idempotency-Key", "one")
	again := w.Must(t, 200, w.bulk(), w.owner.token, body, "Idempotency-Key", "one")
	if string(first.Raw) != string(again.Raw) || !strings.Contains(string(first.Raw), "link") {
		t.Errorf("%s\n%s", first.Raw, again.Raw)
	}
}

// many is a table of rows, of which every tenth is another's duplicate, every
// tenth has no address, and every tenth names a role that there is not.
func many(rows int) string {
	var b strings.Builder
	b.WriteString("email,role,name\r\n")
	for n := range rows {
		switch n % 10 {
		case 3:
			fmt.Fprintf(&b, "P%d@example.com,member,Again\r\n", n-1)
		case 5:
			b.WriteString("nobody,member,\"No, body\"\r\n")
		case 7:
			fmt.Fprintf(&b, "p%d@example.com,emperor,\r\n", n)
		default:
			fmt.Fprintf(&b, "p%d@example.com,member,Person %d\r\n", n, n)
		}
	}
	return b.String()
}

func wanted(n int, first string) string {
	switch n % 10 {
	case 3:
		return "unchanged duplicate"
	case 5, 7:
		return "failed invalid_input"
	}
	return first
}

// finished are the outcomes of a job's rows, and how many links they show.
func (w world) finished(t *testing.T, accepted rostertest.Response) (got []string, links int) {
	t.Helper()
	path := "GET " + w.path("/jobs/"+accepted.String("job", "id"))
	if j := w.Must(t, 200, path, w.owner.token, nil); j.String("job", "state") != "done" {
		t.Fatalf("%s", j.Raw)
	}
	for cursor := ""; ; {
		page := w.Must(t, 200, path+"/results?limit=100"+cursor, w.owner.token, nil)
		results, _ := page.At("results").([]any)
		for _, r := range results {
			r := r.(map[string]any)
			if r["index"] != float64(len(got)) {
				t.Fatalf("row %d is %v", len(got), r)
			}
			got = append(got, fmt.Sprint(r["status"], " ", r["code"]))
			if i, ok := r["invitation"].(map[string]any); ok && i["link"] != nil {
				links++
			}
		}
		if page.String("next_cursor") == "" {
			return got, links
		}
		cursor = "&cursor=" + page.String("next_cursor")
	}
}

func TestALargeBulkInvitationIsAJobThatSurvivesItsRunners(t *testing.T) {
	t.Parallel()
	const rows = 300
	var (
		calls atomic.Int64
		kill  atomic.Pointer[context.CancelFunc]
	)
	w := newWorldWith(t, func(next http.RoundTripper) http.RoundTripper {
		return rostertest.RoundTrip(func(r *http.Request) (*http.Response, error) {
			answer, err := next.RoundTrip(r)
			if cancel := kill.Load(); cancel != nil && calls.Add(1)%300 == 0 {
				(*cancel)() // after the change, before its answer is heard
			}
			return answer, err
		})
	})
	w.Forget(t)
	sheet := many(rows)

	dry := w.csv(t, "?dry_run=true", sheet)
	if dry.Status != 202 || dry.String("job", "kind") != "bulk_invite_dry_run" {
		t.Fatalf("%d %s", dry.Status, dry.Raw)
	}
	jobtest.Drain(t, w.Roster, invitation.Jobs)
	if n := len(w.Mails(t, "")) + len(w.invitations(t)); n != 0 {
		t.Errorf("a dry run made %d mails and invitations", n)
	}
	rehearsed, links := w.finished(t, dry)
	if links != 0 {
		t.Errorf("a dry run made %d links", links)
	}

	accepted := w.csv(t, "", sheet)
	if accepted.Status != 202 || accepted.String("job", "kind") != "bulk_invite" {
		t.Fatalf("%d %s", accepted.Status, accepted.Raw)
	}
	runner := job.NewRunner(w.Env, invitation.Jobs)
	killed := 0
	for range 2 {
		ctx, cancel := context.WithCancel(t.Context())
		kill.Store(&cancel)
		if runner.Sweep(ctx, events.EventBridgeEvent{}) != nil {
			killed++
		}
		kill.Store(nil)
		cancel()
		w.Advance(2 * time.Minute)
	}
	if killed != 2 {
		t.Errorf("%d runners were killed", killed)
	}
	jobtest.Drain(t, w.Roster, invitation.Jobs)
	got, links := w.finished(t, accepted)
	if len(got) != rows || links != 7*rows/10 {
		t.Fatalf("%d results, %d links", len(got), links)
	}
	for n, outcome := range got {
		if want := wanted(n, "done invited"); outcome != want {
			t.Errorf("row %d: %s, want %s", n, outcome, want)
		}
	}
	if diff := cmp.Diff(rehearsed, got); diff != "" {
		t.Errorf("the dry run says otherwise: %s", diff)
	}
	mailed := map[string]int{}
	for _, m := range w.Mails(t, "") {
		mailed[string(m.To)]++
	}
	for n := range rows {
		want := 0
		if wanted(n, "") == "" {
			want = 1
		}
		if address := fmt.Sprintf("p%d@example.com", n); mailed[address] != want {
			t.Errorf("%d mails to %s", mailed[address], address)
		}
	}

	// The same file again changes nothing.
	invited := w.DumpItems(t, "TH#")
	repeat := w.csv(t, "", sheet)
	jobtest.Drain(t, w.Roster, invitation.Jobs)
	got, links = w.finished(t, repeat)
	for n, outcome := range got {
		if want := wanted(n, "unchanged already_invited"); outcome != want {
			t.Errorf("again, row %d: %s, want %s", n, outcome, want)
		}
	}
	if n := len(w.Mails(t, "")); links != 0 || n != 7*rows/10 {
		t.Errorf("again: %d links, %d mails", links, n)
	}
	now := w.DumpItems(t, "TH#")
	for key, was := range invited {
		if cmp.Diff(was, now[key]) != "" {
			t.Errorf("again, %v changed", key)
		}
	}
}
