package trigger

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
	"github.com/google/go-cmp/cmp"

	"roster/infra/local/engine"
	"roster/infra/local/engine/enginetest"
)

// function is a function behind a stream.
type function func(events.DynamoDBEvent) (any, error)

func (f function) Invoke(_ context.Context, payload []byte) ([]byte, error) {
	var event events.DynamoDBEvent
	if err := json.Unmarshal(payload, &event); err != nil {
		return nil, err
	}
	response, err := f(event)
	if err != nil {
		return nil, err
	}
	return json.Marshal(response)
}

func TestEveryChangeArrivesInOrder(t *testing.T) {
	t.Parallel()
	table := newTable(t, enginetest.Endpoint(t))
	var want []string
	for i := range 250 {
		want = append(want, table.put(t, fmt.Sprintf("key#%d", i%7)))
	}
	var got []string
	largest := 0
	table.consume(t, Stream{}, func(e events.DynamoDBEvent, done func()) (any, error) {
		largest = max(largest, len(e.Records))
		if got = append(got, values(e)...); len(got) >= len(want) {
			done()
		}
		return nil, nil
	})
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if largest != defaultBatchSize {
		t.Errorf("the largest batch had %d records, want %d", largest, defaultBatchSize)
	}
}

func TestRecordIsAsInLambda(t *testing.T) {
	t.Parallel()
	table := newTable(t, enginetest.Endpoint(t))
	first := table.put(t, "key#1")
	second := table.put(t, "key#1")
	table.remove(t, "key#1")
	var got []events.DynamoDBEventRecord
	table.consume(t, Stream{}, func(e events.DynamoDBEvent, done func()) (any, error) {
		if got = append(got, e.Records...); len(got) >= 3 {
			done()
		}
		return nil, nil
	})
	for i, want := range []struct{ event, before, after string }{
		{"INSERT", "", first}, {"MODIFY", first, second}, {"REMOVE", second, ""},
	} {
		r := got[i]
		if r.EventName != want.event || r.EventSource != "aws:dynamodb" || r.EventSourceArn != table.arn || r.EventID == "" {
			t.Errorf("record %d: %+v", i, r)
		}
		c := r.Change
		if c.SequenceNumber == "" || c.StreamViewType != "NEW_AND_OLD_IMAGES" || c.ApproximateCreationDateTime.IsZero() || c.SizeBytes == 0 {
			t.Errorf("record %d: %+v", i, c)
		}
		if value(c.OldImage) != want.before || value(c.NewImage) != want.after || c.Keys["PK"].String() != "key#1" {
			t.Errorf("record %d: keys %v, old %v, new %v", i, c.Keys, c.OldImage, c.NewImage)
		}
	}
}

func TestFilter(t *testing.T) {
	t.Parallel()
	mails := func(r events.DynamoDBEventRecord) bool {
		key := r.Change.Keys["PK"].String()
		return strings.HasPrefix(key, "mail#") || strings.HasPrefix(key, "outbox#")
	}
	table := newTable(t, enginetest.Endpoint(t))
	var want []string
	for _, key := range []string{"mail#1", "usage#1", "mail#2", "MAIL#3", "outbox#4", "usage#5", "mail#6"} {
		if v := table.put(t, key); strings.HasPrefix(key, "mail#") || strings.HasPrefix(key, "outbox#") {
			want = append(want, v)
		}
	}
	var got []string
	table.consume(t, Stream{Filter: mails, BatchSize: 2}, func(e events.DynamoDBEvent, done func()) (any, error) {
		if got = append(got, values(e)...); len(got) >= len(want) {
			done()
		}
		return nil, nil
	})
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestReadingGoesOnAtTheCheckpoint(t *testing.T) {
	t.Parallel()
	dir, checkpoint := t.TempDir(), filepath.Join(t.TempDir(), "stream.json")
	e := startEngine(t, dir)
	table := newTable(t, e.Endpoint())
	until := func(last string, got *[]string) func(events.DynamoDBEvent, func()) (any, error) {
		return func(e events.DynamoDBEvent, done func()) (any, error) {
			if *got = append(*got, values(e)...); slices.Contains(*got, last) {
				done()
			}
			return nil, nil
		}
	}
	var got []string
	first := []string{table.put(t, "a"), table.put(t, "b")}
	table.consume(t, Stream{Checkpoint: checkpoint}, until(first[1], &got))

	// Changes while nobody reads, and an engine that is killed.
	unread := table.put(t, "c")
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	table.connect(startEngine(t, dir).Endpoint())
	last := table.put(t, "d")
	table.consume(t, Stream{Checkpoint: checkpoint}, until(last, &got))

	if diff := cmp.Diff(append(first, unread, last), got); diff != "" {
		t.Error(diff)
	}
}

func TestUnusableCheckpointMeansTheBeginning(t *testing.T) {
	t.Parallel()
	table := newTable(t, enginetest.Endpoint(t))
	want := table.put(t, "a")
	for _, content := range []string{"", "{", `{"stream":"of a table since deleted","shards":{"shardId-00000001-` + table.name + `":"1"}}`} {
		checkpoint := filepath.Join(t.TempDir(), "stream.json")
		if err := os.WriteFile(checkpoint, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		var got []string
		table.consume(t, Stream{Checkpoint: checkpoint}, func(e events.DynamoDBEvent, done func()) (any, error) {
			got = append(got, values(e)...)
			done()
			return nil, nil
		})
		if !slices.Equal(got, []string{want}) {
			t.Errorf("checkpoint %q: got %v", content, got)
		}
	}
}

func TestCheckpointThatCannotBeKeptEndsTheLoop(t *testing.T) {
	t.Parallel()
	table := newTable(t, enginetest.Endpoint(t))
	table.put(t, "a")
	s := Stream{
		Client: table.streams, ARN: table.arn, Checkpoint: filepath.Join(t.TempDir(), "missing", "stream.json"),
		Function: function(func(events.DynamoDBEvent) (any, error) { return nil, nil }),
	}
	if err := s.Loop(t.Context()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("Loop() = %v", err)
	}
}

func TestFailedBatchIsOfferedAgain(t *testing.T) {
	t.Parallel()
	table := newTable(t, enginetest.Endpoint(t))
	want := []string{table.put(t, "a"), table.put(t, "a"), table.put(t, "a")}
	var got []string
	failures := 0
	table.consume(t, Stream{}, func(e events.DynamoDBEvent, done func()) (any, error) {
		if failures++; failures <= 2 {
			return nil, errors.New("throttled")
		}
		if got = append(got, values(e)...); len(got) >= len(want) {
			done()
		}
		return nil, nil
	})
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestOnlyTheBadRecordIsGivenUp(t *testing.T) {
	t.Parallel()
	table := newTable(t, enginetest.Endpoint(t))
	var all []string
	for i := range 8 {
		all = append(all, table.put(t, fmt.Sprint("key", i)))
	}
	bad := all[5]
	good := slices.Delete(slices.Clone(all), 5, 6)
	broken := errors.New("cannot be read")
	var got, dead []string
	offers := 0
	s := Stream{MaxTries: 2, DeadLetter: func(_ context.Context, r events.DynamoDBEventRecord, cause error) {
		if errors.Is(cause, broken) {
			dead = append(dead, value(r.Change.NewImage))
		}
	}}
	table.consume(t, s, func(e events.DynamoDBEvent, done func()) (any, error) {
		batch := values(e)
		if slices.Equal(batch, []string{bad}) {
			offers++
		}
		if slices.Contains(batch, bad) {
			return nil, broken
		}
		if got = append(got, batch...); slices.Contains(got, all[7]) {
			done()
		}
		return nil, nil
	})
	if diff := cmp.Diff(good, got); diff != "" {
		t.Error(diff)
	}
	if !slices.Equal(dead, []string{bad}) || offers != 2 {
		t.Errorf("given up: %v after %d offers, want %s after 2", dead, offers, bad)
	}
}

func TestReportedFailuresAreOfferedAgain(t *testing.T) {
	t.Parallel()
	table := newTable(t, enginetest.Endpoint(t))
	var all []string
	for i := range 6 {
		all = append(all, table.put(t, fmt.Sprint("key", i)))
	}
	var offered [][]string
	table.consume(t, Stream{}, func(e events.DynamoDBEvent, done func()) (any, error) {
		offered = append(offered, values(e))
		var response events.DynamoDBEventResponse
		switch len(offered) {
		case 1: // the later of the two is named first
			for _, i := range []int{4, 2} {
				response.BatchItemFailures = append(response.BatchItemFailures,
					events.DynamoDBBatchItemFailure{ItemIdentifier: e.Records[i].Change.SequenceNumber})
			}
		case 2:
			response.BatchItemFailures = []events.DynamoDBBatchItemFailure{{ItemIdentifier: ""}}
		case 4:
			done()
		}
		return response, nil
	})
	want := [][]string{all, all[2:], all[2:4], all[4:]}
	if diff := cmp.Diff(want, offered); diff != "" {
		t.Error(diff)
	}
}

// The engine has one shard that never ends, so this one stream is made up: a
// shard that ends, and its child, listed first.
func TestParentIsReadBeforeItsChild(t *testing.T) {
	t.Parallel()
	const record = `"awsRegion":"local","eventName":"INSERT","dynamodb":{"NewImage":{"V":{"S":"%s"}},"SequenceNumber":"%[1]s"}`
	answers := map[string]string{
		"DescribeStream": `{"StreamDescription":{"Shards":[{"ShardId":"child","ParentShardId":"parent"},{"ShardId":"parent"}]}}`,
		"parent":         `{"ShardIterator":"parent-1"}`,
		"parent-1":       `{"Records":[{` + fmt.Sprintf(record, "1") + `}],"NextShardIterator":"parent-2"}`,
		"parent-2":       `{"Records":[{` + fmt.Sprintf(record, "2") + `}]}`,
		"child":          `{"ShardIterator":"child-1"}`,
		"child-1":        `{"Records":[{` + fmt.Sprintf(record, "3") + `}],"NextShardIterator":"child-2"}`,
		"child-2":        `{"Records":[],"NextShardIterator":"child-2"}`,
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var in struct{ ShardID, ShardIterator string }
		json.NewDecoder(r.Body).Decode(&in)
		_, operation, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
		for _, key := range []string{in.ShardIterator, in.ShardID, operation} {
			if answer, ok := answers[key]; ok {
				w.Write([]byte(answer))
				return
			}
		}
		w.WriteHeader(http.StatusBadRequest)
	}))
	defer server.Close()
	table := &testTable{arn: "made-up"}
	table.connect(server.URL)
	checkpoint := filepath.Join(t.TempDir(), "stream.json")
	var got []string
	table.consume(t, Stream{Checkpoint: checkpoint}, func(e events.DynamoDBEvent, done func()) (any, error) {
		if got = append(got, values(e)...); len(got) == 3 {
			done()
		}
		return nil, nil
	})
	if want := []string{"1", "2", "3"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	saved, err := loadCheckpoint(checkpoint, "made-up")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]string{"parent": closed, "child": "3"}, saved.Shards); diff != "" {
		t.Error(diff)
	}
}

// testTable has a string key PK, and a stream.
type testTable struct {
	name, arn string
	db        *dynamodb.Client
	streams   *dynamodbstreams.Client
	puts      int
}

func newTable(t *testing.T, endpoint string) *testTable {
	t.Helper()
	table := &testTable{name: t.Name() + "-" + rand.Text()}
	table.connect(endpoint)
	out, err := table.db.CreateTable(t.Context(), &dynamodb.CreateTableInput{
		TableName:            &table.name,
		BillingMode:          types.BillingModePayPerRequest,
		AttributeDefinitions: []types.AttributeDefinition{{AttributeName: new("PK"), AttributeType: types.ScalarAttributeTypeS}},
		KeySchema:            []types.KeySchemaElement{{AttributeName: new("PK"), KeyType: types.KeyTypeHash}},
		StreamSpecification:  &types.StreamSpecification{StreamEnabled: new(true), StreamViewType: types.StreamViewTypeNewAndOldImages},
	})
	if err != nil {
		t.Fatal(err)
	}
	table.arn = aws.ToString(out.TableDescription.LatestStreamArn)
	return table
}

func (table *testTable) connect(endpoint string) {
	credentials := aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		return aws.Credentials{AccessKeyID: "local", SecretAccessKey: "local"}, nil
	})
	table.db = dynamodb.New(dynamodb.Options{Region: "eu-central-1", BaseEndpoint: &endpoint, Credentials: credentials})
	table.streams = dynamodbstreams.New(dynamodbstreams.Options{Region: "eu-central-1", BaseEndpoint: &endpoint, Credentials: credentials})
}

// put writes an item and returns the value by which its record is known.
func (table *testTable) put(t *testing.T, key string) string {
	t.Helper()
	table.puts++
	value := strconv.Itoa(table.puts)
	_, err := table.db.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &table.name, Item: map[string]types.AttributeValue{
		"PK": &types.AttributeValueMemberS{Value: key},
		"V":  &types.AttributeValueMemberS{Value: value},
	}})
	if err != nil {
		t.Fatal(err)
	}
	return value
}

func (table *testTable) remove(t *testing.T, key string) {
	t.Helper()
	_, err := table.db.DeleteItem(t.Context(), &dynamodb.DeleteItemInput{TableName: &table.name, Key: map[string]types.AttributeValue{
		"PK": &types.AttributeValueMemberS{Value: key},
	}})
	if err != nil {
		t.Fatal(err)
	}
}

// consume reads the table's stream until fn has called done.
func (table *testTable) consume(t *testing.T, s Stream, fn func(e events.DynamoDBEvent, done func()) (any, error)) {
	t.Helper()
	ctx, done := context.WithCancel(t.Context())
	defer done()
	s.Client, s.ARN = table.streams, table.arn
	s.Function = function(func(e events.DynamoDBEvent) (any, error) { return fn(e, done) })
	if err := s.Loop(ctx); err != nil {
		t.Fatal(err)
	}
}

func values(e events.DynamoDBEvent) []string {
	var all []string
	for _, r := range e.Records {
		all = append(all, value(r.Change.NewImage))
	}
	return all
}

// value is what put returned for an image, "" for none.
func value(image map[string]events.DynamoDBAttributeValue) string {
	if v, ok := image["V"]; ok {
		return v.String()
	}
	return ""
}

func startEngine(t *testing.T, dir string) *engine.Engine {
	t.Helper()
	e, err := engine.Start(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.Close() })
	return e
}
