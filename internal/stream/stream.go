// Package stream reads the records of the table's stream as Lambda hands them over.
package stream

import (
	"context"
	"errors"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"roster/internal/table"
)

// Each hands a batch to several who take it over as a whole: DynamoDB serves two readers
// of a shard well, so what needs the same records shares a reader. Where one fails the
// others take the batch over all the same, and all of them get it again.
func Each(takers ...func(context.Context, events.DynamoDBEvent) error) func(context.Context, events.DynamoDBEvent) error {
	return func(ctx context.Context, event events.DynamoDBEvent) error {
		var failed error
		for _, take := range takers {
			failed = errors.Join(failed, take(ctx, event))
		}
		return failed
	}
}

// Key returns a record's key; it is empty for a key of another table.
func Key(record events.DynamoDBEventRecord) table.Key {
	pk, sk := record.Change.Keys["pk"], record.Change.Keys["sk"]
	if pk.DataType() != events.DataTypeString || sk.DataType() != events.DataTypeString {
		return table.Key{}
	}
	return table.Key{PK: pk.String(), SK: sk.String()}
}

// Images return the item before and after the change; nil where there was none.
func Images(record events.DynamoDBEventRecord) (before, after table.Item) {
	return item(record.Change.OldImage), item(record.Change.NewImage)
}

func item(image map[string]events.DynamoDBAttributeValue) table.Item {
	if len(image) == 0 {
		return nil
	}
	out := make(table.Item, len(image))
	for name, value := range image {
		out[name] = attribute(value)
	}
	return out
}

// attribute converts a value; all ten types of DynamoDB are known.
func attribute(v events.DynamoDBAttributeValue) types.AttributeValue {
	switch v.DataType() {
	case events.DataTypeString:
		return &types.AttributeValueMemberS{Value: v.String()}
	case events.DataTypeNumber:
		return &types.AttributeValueMemberN{Value: v.Number()}
	case events.DataTypeBinary:
		return &types.AttributeValueMemberB{Value: v.Binary()}
	case events.DataTypeBoolean:
		return &types.AttributeValueMemberBOOL{Value: v.Boolean()}
	case events.DataTypeStringSet:
		return &types.AttributeValueMemberSS{Value: v.StringSet()}
	case events.DataTypeNumberSet:
		return &types.AttributeValueMemberNS{Value: v.NumberSet()}
	case events.DataTypeBinarySet:
		return &types.AttributeValueMemberBS{Value: v.BinarySet()}
	case events.DataTypeList:
		list := make([]types.AttributeValue, len(v.List()))
		for i, element := range v.List() {
			list[i] = attribute(element)
		}
		return &types.AttributeValueMemberL{Value: list}
	case events.DataTypeMap:
		members := make(map[string]types.AttributeValue, len(v.Map()))
		for name, member := range v.Map() {
			members[name] = attribute(member)
		}
		return &types.AttributeValueMemberM{Value: members}
	default:
		return &types.AttributeValueMemberNULL{Value: true}
	}
}
