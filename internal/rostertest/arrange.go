package rostertest

import (
	"context"
	"net/http"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"

	"roster/infra/local/engine/enginetest"
	"roster/infra/local/trigger"
	"roster/internal/arrange"
	"roster/internal/boot"
	"roster/internal/function"
)

// Arrange hands the changes since the last Arrange to the function that keeps the
// lists. Without it, lists by anything but the address are as they were.
func (r *Roster) Arrange(t testing.TB) {
	t.Helper()
	changes, err := r.changes()
	if err != nil {
		t.Fatal(err)
	}
	changes.DeadLetter = func(_ context.Context, record events.DynamoDBEventRecord, cause error) {
		t.Errorf("%v was not arranged: %v", record.Change.Keys, cause)
	}
	if err := changes.Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func (r *Roster) stream(t testing.TB) (*trigger.Stream, error) {
	described, err := client(t, http.DefaultTransport).DescribeTable(t.Context(), &dynamodb.DescribeTableInput{TableName: &r.tableName})
	if err != nil {
		return nil, err
	}
	feed := function.Of("arrange").Feed
	return &trigger.Stream{
		Client: dynamodbstreams.New(dynamodbstreams.Options{
			Region: "eu-central-1", BaseEndpoint: aws.String(enginetest.Endpoint(t)), HTTPClient: boot.HTTPClient(), Credentials: credentials,
		}),
		ARN: aws.ToString(described.Table.LatestStreamArn), Function: function.Silent(arrange.New(r.Env).Stream),
		Filter: feed.Picks, BatchSize: feed.Batch, MaxTries: 1,
	}, nil
}
