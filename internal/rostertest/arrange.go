package rostertest

import (
	"context"
	"net/http"
	"slices"
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
	"roster/internal/stream"
	"roster/internal/usage"
)

// Changes returns the records of the table's stream, since the last Changes or
// Arrange, that the function gets which keeps the lists.
func (r *Roster) Changes(t testing.TB) []events.DynamoDBEventRecord {
	t.Helper()
	changes, err := r.changes()
	if err != nil {
		t.Fatal(err)
	}
	var all []events.DynamoDBEventRecord
	changes.Function = function.Silent(func(_ context.Context, event events.DynamoDBEvent) error {
		all = append(all, event.Records...)
		return nil
	})
	if err := changes.Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	return all
}

// Arrange hands the changes since the last Arrange to the function that keeps the
// lists. Without it, lists by anything but the address are as they were.
func (r *Roster) Arrange(t testing.TB) {
	t.Helper()
	keep := stream.Each(arrange.New(r.Env).Stream, usage.EventList{Env: r.Env}.Stream)
	for batch := range slices.Chunk(r.Changes(t), function.Of("arrange").Feed.Batch) {
		if err := keep(t.Context(), events.DynamoDBEvent{Records: batch}); err != nil {
			t.Fatal(err)
		}
	}
}

func (r *Roster) stream(t testing.TB) (*trigger.Stream, error) {
	described, err := client(t, http.DefaultTransport).DescribeTable(t.Context(), &dynamodb.DescribeTableInput{TableName: &r.tableName})
	if err != nil {
		return nil, err
	}
	return &trigger.Stream{
		Client: dynamodbstreams.New(dynamodbstreams.Options{
			Region: "eu-central-1", BaseEndpoint: aws.String(enginetest.Endpoint(t)), HTTPClient: boot.HTTPClient(), Credentials: credentials,
		}),
		ARN: aws.ToString(described.Table.LatestStreamArn), Filter: function.Of("arrange").Feed.Picks,
	}, nil
}
