package s3file_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"roster/infra/local/objects"
	"roster/internal/env"
	"roster/internal/fault"
	"roster/internal/file"
	"roster/internal/file/s3file"
)

// TestALinkInAWS leads to the bucket in the function's region, with the function's rights.
func TestALinkInAWS(t *testing.T) {
	for name, value := range map[string]string{
		"AWS_REGION": "eu-central-1", s3file.Variable: "roster-files-1", "AWS_ACCESS_KEY_ID": "AKIA", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_SESSION_TOKEN": "session",
	} {
		t.Setenv(name, value)
	}
	files := s3file.Into(new(env.Env)).Files
	link, err := files.Link(t.Context(), file.Saved{Key: "exports/org_1/job_1", Name: "members.csv", Type: "text/csv"}, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(link)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	if u.Scheme != "https" || u.Host != "roster-files-1.s3.eu-central-1.amazonaws.com" || u.Path != "/exports/org_1/job_1" ||
		q.Get("X-Amz-Expires") != "60" || q.Get("X-Amz-Security-Token") != "session" || q.Get("response-content-disposition") != `attachment; filename="members.csv"` {
		t.Errorf("%s", link)
	}
}

// TestPartsHaveNoChecksumsOfTheirOwn, and an upload says of none: with them, it could be
// finished only by naming each.
func TestPartsHaveNoChecksumsOfTheirOwn(t *testing.T) {
	t.Parallel()
	bucket, err := objects.New("")
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for name := range r.Header {
			if strings.HasPrefix(name, "X-Amz-Checksum") || strings.HasPrefix(name, "X-Amz-Sdk-Checksum") || name == "X-Amz-Trailer" {
				t.Errorf("%s %s has %s: %s", r.Method, r.URL, name, r.Header.Get(name))
			}
		}
		bucket.ServeHTTP(w, r)
	}))
	defer server.Close()
	client := s3.New(objects.Options(server.URL))
	store := s3file.New(client, client, objects.Bucket)
	upload, err := store.Begin(t.Context(), "x")
	if err != nil {
		t.Fatal(err)
	}
	tag, err := store.Write(t.Context(), upload, 1, []byte("content"))
	if err != nil {
		t.Fatal(err)
	}
	if err := store.Finish(t.Context(), upload, []string{tag}); err != nil {
		t.Fatal(err)
	}
}

// TestWhatMayPassIsTold: a store that does not answer is tried again, one that refuses is not.
func TestWhatMayPassIsTold(t *testing.T) {
	t.Parallel()
	for status, passing := range map[int]bool{http.StatusServiceUnavailable: true, http.StatusForbidden: false} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }))
		defer server.Close()
		client := s3.New(objects.Options(server.URL))
		_, err := s3file.New(client, client, objects.Bucket).Begin(t.Context(), "x")
		if f, ok := errors.AsType[*fault.Error](err); err == nil || ok != passing || ok && f.Kind != fault.Unavailable {
			t.Errorf("%d: %v", status, err)
		}
	}
}
