package stream_test

import (
	"encoding/json"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"roster/internal/stream"
	"roster/internal/table"
)

func TestARecordIsReadAsTheTableHoldsIt(t *testing.T) {
	t.Parallel()
	var record events.DynamoDBEventRecord
	if err := json.Unmarshal([]byte(`{"eventName": "MODIFY", "dynamodb": {
		"Keys": {"pk": {"S": "M#org#usr"}, "sk": {"S": "LA"}},
		"NewImage": {
			"s": {"S": ""}, "n": {"N": "1.5"}, "b": {"B": "AAE="}, "t": {"BOOL": true}, "z": {"NULL": true},
			"ss": {"SS": ["a"]}, "ns": {"NS": ["1"]}, "bs": {"BS": ["AA=="]},
			"l": {"L": [{"S": "x"}]}, "m": {"M": {"x": {"N": "1"}}}
		}}}`), &record); err != nil {
		t.Fatal(err)
	}
	if key := stream.Key(record); key != (table.Key{PK: "M#org#usr", SK: "LA"}) {
		t.Errorf("key %v", key)
	}
	before, after := stream.Images(record)
	if before != nil {
		t.Errorf("before: %v", before)
	}
	want := table.Item{
		"s": &types.AttributeValueMemberS{}, "n": &types.AttributeValueMemberN{Value: "1.5"},
		"b": &types.AttributeValueMemberB{Value: []byte{0, 1}}, "t": &types.AttributeValueMemberBOOL{Value: true},
		"z": &types.AttributeValueMemberNULL{Value: true}, "ss": &types.AttributeValueMemberSS{Value: []string{"a"}},
		"ns": &types.AttributeValueMemberNS{Value: []string{"1"}}, "bs": &types.AttributeValueMemberBS{Value: [][]byte{{0}}},
		"l": &types.AttributeValueMemberL{Value: []types.AttributeValue{&types.AttributeValueMemberS{Value: "x"}}},
		"m": &types.AttributeValueMemberM{Value: map[string]types.AttributeValue{"x": &types.AttributeValueMemberN{Value: "1"}}},
	}
	if diff := cmp.Diff(want, after, cmpopts.IgnoreUnexported(
		types.AttributeValueMemberS{}, types.AttributeValueMemberN{}, types.AttributeValueMemberB{}, types.AttributeValueMemberBOOL{},
		types.AttributeValueMemberNULL{}, types.AttributeValueMemberSS{}, types.AttributeValueMemberNS{}, types.AttributeValueMemberBS{},
		types.AttributeValueMemberL{}, types.AttributeValueMemberM{})); diff != "" {
		t.Errorf("after (-want +got):\n%s", diff)
	}
}

func TestARecordOfAnotherTableHasNoKey(t *testing.T) {
	t.Parallel()
	record := events.DynamoDBEventRecord{Change: events.DynamoDBStreamRecord{
		Keys: map[string]events.DynamoDBAttributeValue{"id": events.NewStringAttribute("x")},
	}}
	if key := stream.Key(record); key != (table.Key{}) {
		t.Errorf("key %v", key)
	}
}
