package objects_test

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"roster/infra/local/objects"
	"roster/internal/file"
	"roster/internal/file/s3file"
)

// serve serves a bucket to its clients, and links below a path.
func serve(t *testing.T, folder string) file.Store {
	t.Helper()
	bucket, err := objects.New(folder)
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	mux.Handle("/", bucket)
	mux.Handle("/links/", http.StripPrefix("/links", objects.Linked(bucket, server.URL+"/links")))
	return s3file.New(s3.New(objects.Options(server.URL)), s3.New(objects.Options(server.URL+"/links")), objects.Bucket)
}

func fetch(t *testing.T, link string) (int, http.Header, []byte) {
	t.Helper()
	got, err := http.Get(link)
	if err != nil {
		t.Fatal(err)
	}
	defer got.Body.Close()
	body, err := io.ReadAll(got.Body)
	if err != nil {
		t.Fatal(err)
	}
	return got.StatusCode, got.Header, body
}

func TestAFileIsWrittenInPartsAndFetchedByItsLink(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	store := serve(t, folder)
	ctx := t.Context()
	upload, err := store.Begin(ctx, "exports/org_1/job_1")
	if err != nil {
		t.Fatal(err)
	}
	first, last := bytes.Repeat([]byte("a,b\r\n"), file.PartSize/5+1), []byte("c,d\r\n")
	tags := make([]string, 2)
	for _, part := range []struct {
		number  int
		content []byte
	}{{2, last}, {1, []byte("to be replaced")}, {1, first}} {
		if tags[part.number-1], err = store.Write(ctx, upload, part.number, part.content); err != nil {
			t.Fatal(err)
		}
	}
	if err := store.Finish(ctx, upload, tags); err != nil {
		t.Fatal(err)
	}
	saved := file.Saved{Key: upload.Key, Name: "members.csv", Type: "text/csv; charset=utf-8"}
	link, err := store.Link(ctx, saved, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	status, header, body := fetch(t, link)
	if status != 200 || !bytes.Equal(body, append(first, last...)) {
		t.Fatalf("%d, %d bytes", status, len(body))
	}
	if header.Get("Content-Type") != saved.Type || header.Get("Content-Disposition") != `attachment; filename="members.csv"` {
		t.Errorf("%v", header)
	}
	if onDisk, err := os.Stat(filepath.Join(folder, "exports", "org_1", "job_1")); err != nil || onDisk.Size() != int64(len(body)) {
		t.Errorf("%v, %v", onDisk, err)
	}

	over, err := store.Link(ctx, saved, time.Nanosecond)
	if err != nil {
		t.Fatal(err)
	}
	path, _, _ := strings.Cut(link, "?")
	for what, link := range map[string]string{
		"unsigned": path, "over": over, "another file": strings.Replace(link, "job_1", "job_2", 1),
		"longer": strings.Replace(link, "X-Amz-Expires=60", "X-Amz-Expires=6000", 1),
	} {
		if status, _, body := fetch(t, link); status != 403 {
			t.Errorf("%s: %d %s", what, status, body)
		}
	}
}

func TestObjectsAreDeletedInTime(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	for name, age := range map[string]time.Duration{"old": file.KeptFor + time.Hour, "young": file.KeptFor - time.Hour} {
		path := filepath.Join(folder, name)
		if err := os.WriteFile(path, []byte(name), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, time.Time{}, time.Now().Add(-age)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := objects.New(folder); err != nil {
		t.Fatal(err)
	}
	left, err := os.ReadDir(folder)
	if err != nil || len(left) != 1 || left[0].Name() != "young" {
		t.Errorf("%v, %v", left, err)
	}
}

func TestAnUploadThatIsOverIsGone(t *testing.T) {
	t.Parallel()
	store := serve(t, "")
	upload, err := store.Begin(t.Context(), "x")
	if err != nil {
		t.Fatal(err)
	}
	tag, err := store.Write(t.Context(), upload, 1, []byte("x"))
	if err != nil {
		t.Fatal(err)
	}
	if err := store.Finish(t.Context(), upload, []string{tag}); err != nil {
		t.Fatal(err)
	}
	for _, err := range []error{
		store.Finish(t.Context(), upload, []string{tag}),
		func() error { _, err := store.Write(t.Context(), upload, 1, []byte("x")); return err }(),
	} {
		if !errors.Is(err, file.ErrGone) {
			t.Errorf("%v", err)
		}
	}
}
