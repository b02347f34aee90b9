// Package objects stands in for S3 on one machine: a bucket whose objects are plain files
// in a folder, or in memory.
package objects

import (
	"context"
	"crypto/subtle"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3afero"
	"github.com/spf13/afero"

	"roster/internal/file"
	"roster/internal/file/s3file"
)

const (
	// Bucket is the bucket's name.
	Bucket = "roster-files"
	region = "local"
)

var credentials = aws.Credentials{AccessKeyID: "local", SecretAccessKey: "local"}

// New serves the bucket as S3 does with its name in the path. Its objects are below the
// folder; without one, they are kept in memory. Uploads that are not finished are lost
// with the process, and objects that are kept no longer are deleted when one begins.
func New(folder string) (http.Handler, error) {
	objects, metadata := afero.NewMemMapFs(), afero.NewMemMapFs()
	if folder != "" {
		folder, err := filepath.Abs(folder)
		if err != nil {
			return nil, err
		}
		if err := os.MkdirAll(folder, 0o700); err != nil {
			return nil, err
		}
		if err := expire(folder, time.Now().Add(-file.KeptFor)); err != nil {
			return nil, err
		}
		objects = afero.NewBasePathFs(afero.NewOsFs(), folder)
	}
	bucket, err := s3afero.SingleBucket(Bucket, objects, metadata)
	if err != nil {
		return nil, err
	}
	return gofakes3.New(bucket).Server(), nil
}

// expire deletes what was written before a time.
func expire(folder string, before time.Time) error {
	return filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		info, err := entry.Info()
		if err != nil || !info.ModTime().Before(before) {
			return err
		}
		return os.Remove(path)
	})
}

// Options are those of a client of the bucket that is served at an endpoint.
func Options(endpoint string) s3.Options {
	return s3file.Options(func(o *s3.Options) {
		o.Region, o.BaseEndpoint, o.UsePathStyle = region, &endpoint, true
		o.Credentials = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) { return credentials, nil })
	})
}

// Linked answers links, as the clients of Options make them for the endpoint, and refuses
// everything else: what was not signed, was changed, or is over.
func Linked(bucket http.Handler, endpoint string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !signed(r, endpoint, time.Now()) {
			http.Error(w, "The link is over, or is none.", http.StatusForbidden)
			return
		}
		bucket.ServeHTTP(w, r)
	})
}

// signed reports whether a request is as it was signed, for as long as was said.
// https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html
func signed(r *http.Request, endpoint string, now time.Time) bool {
	query := r.URL.Query()
	at, err := time.Parse("20060102T150405Z", query.Get("X-Amz-Date"))
	if err != nil {
		return false
	}
	seconds, err := strconv.Atoi(query.Get("X-Amz-Expires"))
	if err != nil || now.After(at.Add(time.Duration(seconds)*time.Second)) {
		return false
	}
	signature := query.Get("X-Amz-Signature")
	for _, name := range []string{"X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Date", "X-Amz-SignedHeaders", "X-Amz-Signature"} {
		query.Del(name)
	}
	unsigned, err := http.NewRequestWithContext(r.Context(), http.MethodGet, endpoint+r.URL.EscapedPath()+"?"+query.Encode(), nil)
	if err != nil {
		return false
	}
	again, _, err := v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = true }).
		PresignHTTP(r.Context(), credentials, unsigned, "UNSIGNED-PAYLOAD", "s3", region, at)
	if err != nil {
		return false
	}
	expected, err := unsigned.URL.Parse(again)
	return err == nil && r.Method == http.MethodGet && subtle.ConstantTimeCompare([]byte(expected.Query().Get("X-Amz-Signature")), []byte(signature)) == 1
}
