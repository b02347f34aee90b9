// Package stack runs Roster on one machine: the functions that Lambda runs, behind
// what stands in for API Gateway, DynamoDB, SES, the table's stream and the
// scheduler.
package stack

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sesv2"

	"roster/infra/local/engine"
	"roster/infra/local/objects"
	"roster/infra/local/ses"
	"roster/infra/local/trigger"
	"roster/internal/boot"
	"roster/internal/env"
	"roster/internal/envelope"
	"roster/internal/feedback"
	"roster/internal/file/s3file"
	"roster/internal/function"
	"roster/internal/mailer"
	"roster/internal/table"
)

// Config is how a stack runs.
type Config struct {
	// Listener is where it serves HTTP; the stack closes it.
	Listener net.Listener
	// PublicURL begins the links in mails; empty, it is http:// and the listener's address.
	PublicURL string
	// Data is the folder that keeps everything; empty keeps nothing.
	Data string
	// Engine is the endpoint of another DynamoDB engine than the stack's own.
	Engine string
	// ClosedSignUp leaves the founding of organizations to platform administrators.
	ClosedSignUp bool
	// Demo fills a new folder with a demonstration.
	Demo bool
	Log  *slog.Logger
}

const (
	tableName        = "roster"
	mailFrom         = "Roster <no-reply@roster.localhost>"
	mailIdentity     = "roster.localhost"
	configurationSet = "roster"
)

// endpoints are where the functions reach what stands in for AWS.
type endpoints struct{ dynamoDB, ses, s3 string }

// Stack is a running Roster.
type Stack struct {
	*env.Env
	URL string

	handler   http.Handler
	secrets   secrets
	clock     *clock
	mailbox   *ses.Server
	files     http.Handler
	demo      *Demo
	endpoints endpoints
	functions map[string]lambda.Handler
	schedules map[string]*trigger.Schedule

	stop    context.CancelFunc
	running sync.WaitGroup
	closers []func() error
	failed  chan error
}

// Start runs a stack until Close.
func Start(ctx context.Context, cfg Config) (_ *Stack, err error) {
	s := &Stack{failed: make(chan error, 1)}
	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	s.stop = stop
	defer func() {
		if err != nil {
			err = errors.Join(err, s.Close())
		}
	}()
	s.closers = append(s.closers, cfg.Listener.Close)
	if cfg.Data != "" {
		if err := os.MkdirAll(cfg.Data, 0o700); err != nil {
			return nil, err
		}
	}
	s.URL = cfg.PublicURL
	if s.URL == "" {
		s.URL = "http://" + cfg.Listener.Addr().String()
	}
	if s.secrets, err = readSecrets(cfg.Data); err != nil {
		return nil, err
	}
	if s.clock, err = readClock(cfg.Data); err != nil {
		return nil, err
	}
	endpoint := cfg.Engine
	if endpoint == "" {
		e, err := engine.Start(ctx, cfg.Data)
		if err != nil {
			return nil, err
		}
		s.closers = append(s.closers, e.Close)
		endpoint = e.Endpoint()
		s.watch(running, e)
	}
	s.endpoints.dynamoDB = endpoint
	db := boot.DynamoDB(func(o *dynamodb.Options) {
		o.BaseEndpoint, o.Region, o.Credentials = &endpoint, region, localCredentials
	})
	if err := table.Create(ctx, db, tableName); err != nil {
		return nil, fmt.Errorf("the DynamoDB engine at %s: %w", endpoint, err)
	}
	s.Env = &env.Env{
		Table:      table.New(db, tableName),
		Keys:       s.secrets.keys,
		Sealer:     envelope.New(envelope.Secret(s.secrets.keys)),
		SetupToken: s.secrets.setupToken,
		Now:        s.clock.Now,
		Sleep:      env.Sleep,
		Log:        cfg.Log,
		PublicURL:  s.URL,
		OpenSignUp: !cfg.ClosedSignUp,
	}
	sender, err := s.startMail(cfg.Data)
	if err != nil {
		return nil, err
	}
	if err := s.startFiles(cfg.Data); err != nil {
		return nil, err
	}
	s.functions = functions(s.Env, sender)
	s.startSchedules(running)
	if err := s.startStream(running, endpoint, db, cfg.Data); err != nil {
		return nil, err
	}
	s.handler = s.routes()
	if cfg.Demo {
		if err := s.demonstrate(ctx, cfg.Data); err != nil {
			return nil, err
		}
	}
	s.serve(cfg.Listener)
	return s, nil
}

const region = "local"

var localCredentials = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
	return aws.Credentials{AccessKeyID: "local", SecretAccessKey: "local"}, nil
})

// watch reports when the engine ends before the stack does.
func (s *Stack) watch(running context.Context, e *engine.Engine) {
	s.running.Go(func() {
		select {
		case <-running.Done():
		case <-e.Exited():
			s.fail(fmt.Errorf("the DynamoDB engine ended: %w", e.Err()))
		}
	})
}

func (s *Stack) fail(err error) {
	select {
	case s.failed <- err:
	default:
	}
}

// Failed yields the error that ended a part of the stack.
func (s *Stack) Failed() <-chan error { return s.failed }

// startMail runs what stands in for SES, and returns the sender that uses it.
func (s *Stack) startMail(data string) (*mailer.Sender, error) {
	// Not one of s.functions, which are made with the sender: events that an earlier
	// process left are published from now on.
	report := function.Silent(feedback.Service{Env: s.Env}.Handle)
	server, err := ses.New(ses.Config{
		Dir: data, Identities: []string{mailIdentity}, ConfigurationSet: configurationSet, Now: s.clock.Now,
		Publish: func(ctx context.Context, event []byte) error {
			_, err := report.Invoke(ctx, event)
			return err
		},
	})
	if err != nil {
		return nil, err
	}
	s.closers = append(s.closers, server.Close)
	s.mailbox = server
	if s.endpoints.ses, err = s.serveAPI(server.API()); err != nil {
		return nil, err
	}
	client := mailer.Client(func(o *sesv2.Options) {
		o.BaseEndpoint, o.Region, o.Credentials = &s.endpoints.ses, region, localCredentials
	})
	return mailer.NewSender(client, mailFrom, configurationSet), nil
}

// startFiles runs what stands in for S3. Its links lead to the stack itself, which is all
// that may be reached from elsewhere.
func (s *Stack) startFiles(data string) error {
	folder := ""
	if data != "" {
		folder = filepath.Join(data, "files")
	}
	bucket, err := objects.New(folder)
	if err != nil {
		return err
	}
	if s.endpoints.s3, err = s.serveAPI(bucket); err != nil {
		return err
	}
	s.files = http.StripPrefix(linksPath, objects.Linked(bucket, s.URL+linksPath))
	s.Files = s3file.New(s3.New(objects.Options(s.endpoints.s3)), s3.New(objects.Options(s.URL+linksPath)), objects.Bucket)
	return nil
}

// linksPath is below what links to files are.
const linksPath = "/_local/files"

// serveAPI serves what stands in for one of AWS's, and returns where.
func (s *Stack) serveAPI(handler http.Handler) (endpoint string, err error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: time.Minute}
	s.closers = append(s.closers, server.Close)
	s.running.Go(func() {
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			s.fail(err)
		}
	})
	return "http://" + listener.Addr().String(), nil
}

// startSchedules runs the scheduled functions at their intervals.
func (s *Stack) startSchedules(running context.Context) {
	s.schedules = map[string]*trigger.Schedule{}
	for _, f := range function.All {
		if f.Trigger != function.Schedule {
			continue
		}
		schedule := &trigger.Schedule{Name: f.Name, Function: s.functions[f.Name], Interval: f.Interval, Now: s.clock.Now}
		s.schedules[f.Name] = schedule
		s.running.Go(func() { schedule.Loop(running) })
	}
}

// startStream feeds the functions of the table's stream.
func (s *Stack) startStream(running context.Context, endpoint string, db *dynamodb.Client, data string) error {
	described, err := db.DescribeTable(running, &dynamodb.DescribeTableInput{TableName: aws.String(tableName)})
	if err != nil {
		return err
	}
	client := dynamodbstreams.New(dynamodbstreams.Options{
		BaseEndpoint: &endpoint, Region: region, Credentials: localCredentials, HTTPClient: boot.HTTPClient(),
	})
	for _, f := range function.All {
		if f.Trigger != function.Stream {
			continue
		}
		stream := &trigger.Stream{
			Client: client, ARN: aws.ToString(described.Table.LatestStreamArn), Function: s.functions[f.Name],
			Filter: f.Feed.Picks, BatchSize: f.Feed.Batch,
		}
		if data != "" {
			stream.Checkpoint = filepath.Join(data, f.Name+".checkpoint")
		}
		s.running.Go(func() {
			if err := stream.Loop(running); err != nil {
				s.fail(err)
			}
		})
	}
	return nil
}

// Close ends the stack; what was accepted stays.
func (s *Stack) Close() error {
	s.stop()
	var errs []error
	for i := len(s.closers) - 1; i >= 0; i-- {
		if err := s.closers[i](); err != nil && !errors.Is(err, net.ErrClosed) {
			errs = append(errs, err)
		}
	}
	s.running.Wait()
	return errors.Join(errs...)
}

// FunctionEnv is the environment in which the functions' own binaries are part of
// the stack.
func (s *Stack) FunctionEnv() []string {
	return []string{
		"AWS_REGION=" + region,
		"DYNAMODB_ENDPOINT=" + s.endpoints.dynamoDB,
		"SES_ENDPOINT=" + s.endpoints.ses,
		"S3_ENDPOINT=" + s.endpoints.s3,
		s3file.Variable + "=" + objects.Bucket,
		"ROSTER_TABLE=" + tableName,
		"ROSTER_SECRET=" + s.secrets.value,
		"ROSTER_SETUP_TOKEN=" + s.secrets.setup,
		"ROSTER_PUBLIC_URL=" + s.URL,
		"ROSTER_SIGNUP=open",
		"ROSTER_MAIL_FROM=" + mailFrom,
		"ROSTER_MAIL_CONFIGURATION_SET=" + configurationSet,
	}
}

// Banner says what runs and how to begin.
func (s *Stack) Banner() string {
	var b strings.Builder
	fmt.Fprintf(&b, "Roster serves %s\n  reference  %s/docs\n  mailbox    %s/_local/mail\n", s.URL, s.URL, s.URL)
	if s.demo == nil {
		var setup string
		if !s.OpenSignUp {
			setup = fmt.Sprintf(`,"setup_token":"%s"`, s.secrets.setup)
		}
		fmt.Fprintf(&b, "  set-up token of the first platform administrator: %s\n\nTry:\n"+
			"  curl -s %s/auth/register -H 'Content-Type: application/json' \\\n"+
			`    -d '{"email":"you@example.com","password":"newpassword123","name":"You","organization":"Example"%s}'`+"\n",
			s.secrets.setup, s.URL, setup)
		return b.String()
	}
	fmt.Fprintf(&b, "  log in as  %s / %s\n\nTry:\n  curl -s %s/api/organizations/%s/members \\\n    -H 'Authorization: Bearer %s'\n",
		s.demo.Email, s.demo.Password, s.URL, s.demo.OrganizationID, s.demo.APIKey)
	return b.String()
}
