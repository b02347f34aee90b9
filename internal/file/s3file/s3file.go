// Package s3file keeps files in a bucket of S3. A package of its own, so that only the
// functions that have files are linked with the client.
package s3file

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"

	"roster/internal/api"
	"roster/internal/boot"
	"roster/internal/env"
	"roster/internal/fault"
	"roster/internal/file"
)

// Store is a bucket.
type Store struct {
	client *s3.Client
	links  *s3.PresignClient
	bucket string
}

// New makes a Store. Links lead to the endpoint of their client, files go to that of the
// first.
func New(client, links *s3.Client, bucket string) Store {
	return Store{client, s3.NewPresignClient(links), bucket}
}

// Variable of the environment that names the bucket.
const Variable = "ROSTER_FILES_BUCKET"

// Into puts the bucket that the environment names into a function's Env.
func Into(e *env.Env) *env.Env {
	client := s3.New(Options(func(o *s3.Options) {
		o.Region, o.Credentials, o.BaseEndpoint = os.Getenv("AWS_REGION"), boot.Credentials, boot.Endpoint("S3_ENDPOINT")
		o.UsePathStyle = o.BaseEndpoint != nil
	}))
	e.Files = New(client, client, boot.Required(Variable))
	return e
}

// With serves a feature with the bucket that the environment names.
func With(endpoints boot.Endpoints) boot.Endpoints {
	return func(e *env.Env) []api.Endpoint { return endpoints(Into(e)) }
}

// Options are those of a client, changed by change. Parts have no checksums besides the
// signed one of their content: an upload whose parts have further ones has to be finished
// with all of them.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity-upload.html
func Options(change func(*s3.Options)) s3.Options {
	o := s3.Options{HTTPClient: boot.HTTPClient(), RequestChecksumCalculation: aws.RequestChecksumCalculationWhenRequired}
	change(&o)
	return o
}

// errUnavailable is the error of a call that S3 did not answer, or not in time.
var errUnavailable = fault.New(fault.Unavailable, "files_unavailable",
	"The file store does not answer at the moment. Please try again.").WithRetryAfter(time.Second)

// Begin needs the permission s3:PutObject, as Write and Finish do.
func (s Store) Begin(ctx context.Context, key string) (file.Upload, error) {
	out, err := s.client.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{Bucket: &s.bucket, Key: &key})
	if err != nil {
		return file.Upload{}, outcome("CreateMultipartUpload", err)
	}
	return file.Upload{Key: key, ID: aws.ToString(out.UploadId)}, nil
}

func (s Store) Write(ctx context.Context, to file.Upload, part int, content []byte) (string, error) {
	out, err := s.client.UploadPart(ctx, &s3.UploadPartInput{
		Bucket: &s.bucket, Key: &to.Key, UploadId: &to.ID, PartNumber: aws.Int32(int32(part)), Body: bytes.NewReader(content),
	})
	if err != nil {
		return "", outcome("UploadPart", err)
	}
	return aws.ToString(out.ETag), nil
}

func (s Store) Finish(ctx context.Context, of file.Upload, tags []string) error {
	parts := make([]types.CompletedPart, len(tags))
	for i := range tags {
		parts[i] = types.CompletedPart{PartNumber: aws.Int32(int32(i + 1)), ETag: &tags[i]}
	}
	_, err := s.client.CompleteMultipartUpload(ctx, &s3.CompleteMultipartUploadInput{
		Bucket: &s.bucket, Key: &of.Key, UploadId: &of.ID, MultipartUpload: &types.CompletedMultipartUpload{Parts: parts},
	})
	return outcome("CompleteMultipartUpload", err)
}

// Link needs the permission s3:GetObject, as long as the link is to work.
func (s Store) Link(ctx context.Context, f file.Saved, valid time.Duration) (string, error) {
	out, err := s.links.PresignGetObject(ctx, &s3.GetObjectInput{
		Bucket: &s.bucket, Key: &f.Key, ResponseContentType: &f.Type,
		ResponseContentDisposition: aws.String(`attachment; filename="` + f.Name + `"`),
	}, s3.WithPresignExpires(valid))
	if err != nil {
		return "", outcome("PresignGetObject", err)
	}
	return out.URL, nil
}

var passing = retry.IsErrorRetryables(retry.DefaultRetryables)

// outcome tells what may pass from what S3 refuses for good, which is a fault of the
// deployment.
func outcome(operation string, err error) error {
	if err == nil {
		return nil
	}
	err = fmt.Errorf("s3 %s: %w", operation, err)
	refusal, answered := errors.AsType[smithy.APIError](err)
	switch {
	case answered && (refusal.ErrorCode() == "NoSuchUpload" || refusal.ErrorCode() == "InvalidPart"):
		return errors.Join(file.ErrGone, err)
	case errors.Is(err, context.Canceled), answered && passing.IsErrorRetryable(err) != aws.TrueTernary:
		return err
	}
	return errors.Join(errUnavailable, err)
}
