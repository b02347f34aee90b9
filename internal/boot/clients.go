package boot

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"

	"roster/internal/secret"
)

// HTTPClient is the one HTTP client of all AWS clients.
var HTTPClient = sync.OnceValue(func() *http.Client {
	return &http.Client{Transport: BufferedBody{&http.Transport{
		Proxy:               http.ProxyFromEnvironment,
		MaxIdleConns:        256,
		MaxIdleConnsPerHost: 256,
		IdleConnTimeout:     90 * time.Second,
		TLSHandshakeTimeout: 5 * time.Second,
		// DynamoDB answers within milliseconds, or the connection is dead.
		ResponseHeaderTimeout: 5 * time.Second,
		ForceAttemptHTTP2:     true,
	}}}
})

// BufferedBody gives the next transport a body in memory whose Close does
// nothing. The SDK closes a request's body as soon as it has the response, while
// net/http may still be writing it; a fast answer then turns into a connection
// error, and the retry repeats a write that was applied
// (https://github.com/aws/aws-sdk-go-v2/issues/1825).
type BufferedBody struct{ Next http.RoundTripper }

func (t BufferedBody) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body == nil || r.Body == http.NoBody {
		return t.Next.RoundTrip(r)
	}
	body, err := io.ReadAll(r.Body)
	r.Body.Close()
	if err != nil {
		return nil, err
	}
	r = r.Clone(r.Context())
	r.Body = io.NopCloser(bytes.NewReader(body))
	r.ContentLength = int64(len(body))
	return t.Next.RoundTrip(r)
}

// Credentials are those that Lambda puts into the environment. They do not
// change while an execution environment lives.
var Credentials = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
	c := aws.Credentials{
		AccessKeyID:     os.Getenv("AWS_ACCESS_KEY_ID"),
		SecretAccessKey: os.Getenv("AWS_SECRET_ACCESS_KEY"),
		SessionToken:    os.Getenv("AWS_SESSION_TOKEN"),
	}
	if c.AccessKeyID == "" {
		return c, errors.New("boot: no AWS credentials in the environment")
	}
	return c, nil
})

// Endpoint is an endpoint that a variable of the environment names; nil for the
// region's.
func Endpoint(variable string) *string {
	if e := os.Getenv(variable); e != "" {
		return &e
	}
	return nil
}

// DynamoDB is the client of the table, from the environment and then the options.
func DynamoDB(options ...func(*dynamodb.Options)) *dynamodb.Client {
	return dynamodb.New(dynamodb.Options{
		Region: os.Getenv("AWS_REGION"), Credentials: Credentials, HTTPClient: HTTPClient(),
		BaseEndpoint: Endpoint("DYNAMODB_ENDPOINT"),
		Retryer: retry.NewStandard(func(o *retry.StandardOptions) {
			o.MaxAttempts, o.MaxBackoff = 5, 300*time.Millisecond // a caller waits
		}),
	}, options...)
}

// secrets reads values of Secrets Manager and keeps them for a while.
type secrets struct {
	client func() *secretsmanager.Client
	mu     sync.Mutex
	kept   map[string]kept
}

type kept struct {
	values []string
	until  time.Time
}

// secretsTTL bounds how long a rotated secret goes unnoticed.
const secretsTTL = 5 * time.Minute

func newSecrets() *secrets {
	return &secrets{kept: map[string]kept{}, client: sync.OnceValue(func() *secretsmanager.Client {
		return secretsmanager.New(secretsmanager.Options{
			Region: os.Getenv("AWS_REGION"), Credentials: Credentials, HTTPClient: HTTPClient(),
		})
	})}
}

// values returns the current value and, while a rotation lasts, the previous
// one. While Secrets Manager does not answer, the values known before go on.
func (s *secrets) values(ctx context.Context, arn string) ([]string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	before, known := s.kept[arn]
	if known && time.Now().Before(before.until) {
		return before.values, nil
	}
	values, err := s.fetch(ctx, arn)
	if err != nil && known {
		slog.ErrorContext(ctx, "a secret could not be fetched anew", "secret", arn, "error", err)
		values, err = before.values, nil
	}
	if err == nil {
		s.kept[arn] = kept{values, time.Now().Add(secretsTTL)}
	}
	return values, err
}

func (s *secrets) fetch(ctx context.Context, arn string) ([]string, error) {
	var values []string
	for _, stage := range []string{"AWSCURRENT", "AWSPREVIOUS"} {
		out, err := s.client().GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{SecretId: &arn, VersionStage: &stage})
		if _, absent := errors.AsType[*types.ResourceNotFoundException](err); absent && stage == "AWSPREVIOUS" {
			continue
		}
		if err != nil {
			return nil, err
		}
		values = append(values, aws.ToString(out.SecretString))
	}
	return values, nil
}

func (s *secrets) keys(arn string) func(context.Context) (*secret.Keys, error) {
	var (
		mu      sync.Mutex
		derived *secret.Keys
		from    []string
	)
	return func(ctx context.Context) (*secret.Keys, error) {
		values, err := s.values(ctx, arn)
		if err != nil {
			return nil, err
		}
		mu.Lock()
		defer mu.Unlock()
		if derived == nil || !slices.Equal(from, values) {
			if derived, err = secret.Derive(values...); err != nil {
				return nil, err
			}
			from = values
		}
		return derived, nil
	}
}
