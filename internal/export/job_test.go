package export

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"roster/internal/api"
	"roster/internal/env"
	"roster/internal/fault"
	"roster/internal/field"
	"roster/internal/file"
	"roster/internal/job"
	"roster/internal/job/jobtest"
	"roster/internal/member"
	"roster/internal/member/membertest"
	"roster/internal/permission"
	"roster/internal/rostertest"
	"roster/internal/usage"
)

// small is a Service whose answers hold next to nothing, and whose parts are short.
func small(e *env.Env) Service {
	s := newService(e)
	s.held, s.part = 200, 3000
	return s
}

type firm struct {
	*rostertest.Roster
	owner membertest.Member
	org   string
}

const staff = 120

// newFirm has more members than one page, each with metadata, and what they used.
func newFirm(t *testing.T) firm {
	t.Helper()
	return newFirmOf(t, small)
}

func newFirmOf(t *testing.T, service func(*env.Env) Service) firm {
	t.Helper()
	r := rostertest.New(t, func(e *env.Env) []api.Endpoint { return service(e).endpoints() }, usage.MeterEndpoints, job.Endpoints)
	f := firm{r, membertest.Found(t, r), ""}
	f.org = "/api/organizations/" + string(f.owner.Organization)
	var events []map[string]any
	for n := range staff {
		m := membertest.Add(t, r, member.Member{
			Organization: f.owner.Organization, Role: permission.Member, Name: field.Name(fmt.Sprint("Member ", n)),
			Metadata: member.Metadata(fmt.Sprintf(`{"department":"D%d","m%d":"x"}`, n%7, n%3)),
		})
		events = append(events, map[string]any{
			"id": fmt.Sprint(n), "user_id": m.ID, "model": "m", "input_tokens": 1, "output_tokens": 1, "cost_usd": 1,
		})
	}
	f.Must(t, 200, "POST /v1/usage", f.owner.Secret, map[string]any{"events": events})
	return f
}

func (f firm) jobs(*env.Env) []job.Kind { return small(f.Env).jobs() }

// ask asks for a file that is too large, and returns the job's path.
func (f firm) ask(t *testing.T, secret, file string) string {
	t.Helper()
	got := f.Must(t, 202, "GET "+f.org+"/export/"+file, secret, nil)
	return f.org + "/jobs/" + got.At("job", "id").(string)
}

func fetch(t *testing.T, link any) (*http.Response, string) {
	t.Helper()
	got, err := http.Get(link.(string))
	if err != nil {
		t.Fatal(err)
	}
	defer got.Body.Close()
	body, err := io.ReadAll(got.Body)
	if err != nil {
		t.Fatal(err)
	}
	return got, string(body)
}

func (f firm) made(t *testing.T, path string) (*http.Response, string) {
	t.Helper()
	got := f.Must(t, 200, "GET "+path, f.owner.Secret, nil)
	if got.At("job", "state") != "done" {
		t.Fatalf("%s", got.Raw)
	}
	saved, body := fetch(t, got.At("job", "file", "url"))
	if got.At("job", "file", "bytes") != float64(len(body)) || saved.StatusCode != 200 {
		t.Errorf("%d, %d bytes: %s", saved.StatusCode, len(body), got.Raw)
	}
	return saved, body
}

// members are the ids in a table of members, in their order.
func members(t *testing.T, body string) []string {
	t.Helper()
	rows, err := csv.NewReader(strings.NewReader(body)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"metadata.department", "metadata.m0", "metadata.m1", "metadata.m2"}
	if columns := rows[0]; !slices.Equal(columns[len(columns)-4:], want) {
		t.Errorf("%q", columns)
	}
	ids := make([]string, len(rows)-1)
	for i, row := range rows[1:] {
		ids[i] = row[0]
	}
	return ids
}

func TestAFileThatNoAnswerHoldsIsMadeByAJob(t *testing.T) {
	t.Parallel()
	f := newFirm(t)
	paths := map[string]string{}
	for _, file := range []string{"members", "members?format=json", "usage?group_by=user", "usage?format=json", "cost-allocation", "cost-allocation?format=json"} {
		paths[file] = f.ask(t, f.owner.Secret, file)
		if again := f.ask(t, f.owner.Secret, file); again != paths[file] {
			t.Errorf("%s is made twice at a time", file)
		}
	}
	jobtest.Drain(t, f.Roster, f.jobs)

	saved, body := f.made(t, paths["members"])
	if ids := members(t, body); len(ids) != staff+1 || len(slices.Compact(slices.Sorted(slices.Values(ids)))) != staff+1 {
		t.Errorf("%d members", len(ids))
	}
	if saved.Header.Get("Content-Disposition") != `attachment; filename="members.csv"` || !strings.HasPrefix(saved.Header.Get("Content-Type"), "text/csv") {
		t.Errorf("%v", saved.Header)
	}
	if got := f.Must(t, 200, "GET "+paths["members"], f.owner.Secret, nil); got.At("job", "progress", "done") != float64(staff+1) {
		t.Errorf("%s", got.Raw)
	}
	for file, rows := range map[string]int{"usage?group_by=user": staff, "cost-allocation": 7} {
		if _, body := f.made(t, paths[file]); strings.Count(body, "\r\n") != rows+1 {
			t.Errorf("%s: %s", file, body)
		}
	}
	for file, name := range map[string]string{"members?format=json": "members", "usage?format=json": "usage", "cost-allocation?format=json": "cost_allocation"} {
		saved, body := f.made(t, paths[file])
		var got map[string]any
		if err := json.Unmarshal([]byte(body), &got); err != nil || got["success"] != true || got[name] == nil || len(got) != 2 {
			t.Errorf("%s: %v, %v", file, err, slices.Collect(maps.Keys(got)))
		}
		if list, ok := got[name].([]any); ok && len(list) != staff+1 {
			t.Errorf("%s: %d", file, len(list))
		}
		if saved.Header.Get("Content-Type") != "application/json" {
			t.Errorf("%s: %v", file, saved.Header)
		}
	}

	admin := membertest.Add(t, f.Roster, member.Member{Organization: f.owner.Organization, Role: permission.Admin})
	if got := f.Must(t, 200, "GET "+paths["members"], admin.Secret, nil); got.At("job", "file", "name") != "members.csv" || strings.Contains(string(got.Raw), "url") {
		t.Errorf("a link for who did not ask: %s", got.Raw)
	}
	if list := f.Must(t, 200, "GET "+f.org+"/jobs", f.owner.Secret, nil); strings.Contains(string(list.Raw), `"url"`) {
		t.Errorf("%s", list.Raw)
	}
	f.Advance(file.KeptFor)
	if got := f.Must(t, 200, "GET "+paths["members"], f.owner.Secret, nil); strings.Contains(string(got.Raw), `"file"`) {
		t.Errorf("a file that is deleted: %s", got.Raw)
	}
}

// TestWhatTakesLongerThanARequestIsMadeByAJob: not that it is much, but that much is read for it.
func TestWhatTakesLongerThanARequestIsMadeByAJob(t *testing.T) {
	t.Parallel()
	f := newFirmOf(t, func(e *env.Env) Service {
		s := newService(e)
		s.reports.Most = staff - 1
		return s
	})
	paths := map[string]string{}
	for _, file := range []string{"usage?group_by=metadata.department", "cost-allocation?group_by=m1"} {
		paths[file] = f.ask(t, f.owner.Secret, file)
	}
	jobtest.Drain(t, f.Roster, f.jobs)
	for file, want := range map[string]string{
		"usage?group_by=metadata.department": "value,members,requests,input_tokens,output_tokens,cost_usd\r\nD0,18,18,18,18,18\r\n",
		"cost-allocation?group_by=m1":        "m1,members,requests,input_tokens,output_tokens,cost_usd\r\n,80,80,80,80,80\r\nx,40,40,40,40,40\r\n",
	} {
		if _, body := f.made(t, paths[file]); !strings.HasPrefix(body, want) {
			t.Errorf("%s: %s", file, body)
		}
	}
}

func TestAFileOfWhoMayNotExportAnyMoreIsNotMade(t *testing.T) {
	t.Parallel()
	f := newFirm(t)
	admin := membertest.Add(t, f.Roster, member.Member{Organization: f.owner.Organization, Role: permission.Admin})
	path := f.ask(t, admin.Secret, "members")
	membertest.Change(t, f.Roster, f.owner.Organization, admin.ID, func(m *member.Member) { m.Role = permission.Member })
	jobtest.Drain(t, f.Roster, f.jobs)
	got := f.Must(t, 200, "GET "+path, f.owner.Secret, nil)
	if got.At("job", "state") != "failed" || got.At("job", "file") != nil {
		t.Errorf("%s", got.Raw)
	}
}

func TestMoreColumnsThanATableHasAreRefused(t *testing.T) {
	t.Parallel()
	f := newFirm(t)
	for n := range maxNames/1000 + 1 {
		membertest.Add(t, f.Roster, member.Member{
			Organization: f.owner.Organization, Role: permission.Member, Metadata: member.Metadata(fmt.Sprintf(`{"%s%d":1}`, strings.Repeat("n", 1000), n)),
		})
	}
	path, other := f.ask(t, f.owner.Secret, "members"), f.ask(t, f.owner.Secret, "members?format=json")
	jobtest.Drain(t, f.Roster, f.jobs)
	if got := f.Must(t, 200, "GET "+path, f.owner.Secret, nil); got.At("job", "state") != "failed" || got.At("job", "code") != "too_many_columns" {
		t.Errorf("%s", got.Raw)
	}
	f.made(t, other)
}

// breaking is a Store that fails at one call: before it, or after.
type breaking struct {
	file.Store
	at    int64
	after bool
	gone  bool
	calls atomic.Int64
}

func (b *breaking) call(do func() error) error {
	n := b.calls.Add(1)
	failure := fault.New(fault.Unavailable, "broken", "Broken.")
	switch {
	case n != b.at:
		return do()
	case b.gone:
		return file.ErrGone
	case b.after:
		_ = do()
	}
	return failure
}

func (b *breaking) Begin(ctx context.Context, key string) (u file.Upload, err error) {
	err = b.call(func() (err error) { u, err = b.Store.Begin(ctx, key); return err })
	return u, err
}

func (b *breaking) Write(ctx context.Context, to file.Upload, part int, content []byte) (tag string, err error) {
	err = b.call(func() (err error) { tag, err = b.Store.Write(ctx, to, part, content); return err })
	return tag, err
}

func (b *breaking) Finish(ctx context.Context, of file.Upload, tags []string) error {
	return b.call(func() error { return b.Store.Finish(ctx, of, tags) })
}

// TestAFileIsWholeWhateverFails: each call of the store in turn fails, loses its answer, or
// finds the upload gone.
func TestAFileIsWholeWhateverFails(t *testing.T) {
	t.Parallel()
	f := newFirm(t)
	store := f.Files
	whole := ""
	for at := int64(0); ; at++ {
		reached := false
		for _, broken := range []*breaking{{}, {after: true}, {gone: true}} {
			broken.Store, broken.at = store, at
			f.Files = broken
			path := f.ask(t, f.owner.Secret, "members")
			jobtest.Drain(t, f.Roster, f.jobs)
			_, body := f.made(t, path)
			if whole == "" {
				whole = body
			}
			if body != whole {
				t.Fatalf("after call %d (after: %v, gone: %v): %d bytes, not %d", at, broken.after, broken.gone, len(body), len(whole))
			}
			reached = reached || broken.calls.Load() >= at
			f.Advance(time.Hour)
		}
		if !reached {
			return
		}
	}
}

// losing is a Store that loses every file before it is finished.
type losing struct{ file.Store }

func (losing) Finish(context.Context, file.Upload, []string) error { return file.ErrGone }

func TestAFileThatIsAlwaysLostEndsItsJob(t *testing.T) {
	t.Parallel()
	f := newFirm(t)
	f.Files = losing{f.Files}
	for _, file := range []string{"members", "usage"} {
		path := f.ask(t, f.owner.Secret, file)
		jobtest.Drain(t, f.Roster, f.jobs)
		if got := f.Must(t, 200, "GET "+path, f.owner.Secret, nil); got.At("job", "state") != "failed" || got.At("job", "code") != "file_lost" {
			t.Errorf("%s: %s", file, got.Raw)
		}
	}
}
