package trigger

import (
	"encoding/base64"
	"encoding/json"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams/types"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// attribute is a value and its form in DynamoDB's JSON.
type attribute struct {
	value types.AttributeValue
	json  map[string]any
}

func attributeGen(depth int) *rapid.Generator[attribute] {
	return rapid.Custom(func(t *rapid.T) attribute {
		text := rapid.String()
		number := rapid.SampledFrom([]string{"0", "-1", "1234567890123456789.0123456789", "1E+125"})
		kinds := []string{"S", "N", "B", "BOOL", "NULL", "SS", "NS", "BS"}
		if depth > 0 {
			kinds = append(kinds, "L", "M")
		}
		kind := rapid.SampledFrom(kinds).Draw(t, "kind")
		var value types.AttributeValue
		var plain any
		switch kind {
		case "S":
			v := text.Draw(t, "S")
			value, plain = &types.AttributeValueMemberS{Value: v}, v
		case "N":
			v := number.Draw(t, "N")
			value, plain = &types.AttributeValueMemberN{Value: v}, v
		case "B":
			v := rapid.SliceOf(rapid.Byte()).Draw(t, "B")
			value, plain = &types.AttributeValueMemberB{Value: v}, base64.StdEncoding.EncodeToString(v)
		case "BOOL":
			v := rapid.Bool().Draw(t, "BOOL")
			value, plain = &types.AttributeValueMemberBOOL{Value: v}, v
		case "NULL":
			value, plain = &types.AttributeValueMemberNULL{Value: true}, true
		case "SS":
			v := rapid.SliceOfN(text, 1, 3).Draw(t, "SS")
			value, plain = &types.AttributeValueMemberSS{Value: v}, anys(v)
		case "NS":
			v := rapid.SliceOfN(number, 1, 3).Draw(t, "NS")
			value, plain = &types.AttributeValueMemberNS{Value: v}, anys(v)
		case "BS":
			v := rapid.SliceOfN(rapid.SliceOf(rapid.Byte()), 1, 3).Draw(t, "BS")
			encoded := make([]any, len(v))
			for i := range v {
				encoded[i] = base64.StdEncoding.EncodeToString(v[i])
			}
			value, plain = &types.AttributeValueMemberBS{Value: v}, encoded
		case "L":
			v := rapid.SliceOfN(attributeGen(depth-1), 0, 3).Draw(t, "L")
			list, forms := make([]types.AttributeValue, len(v)), make([]any, len(v))
			for i := range v {
				list[i], forms[i] = v[i].value, v[i].json
			}
			value, plain = &types.AttributeValueMemberL{Value: list}, forms
		case "M":
			v := rapid.MapOfN(text, attributeGen(depth-1), 0, 3).Draw(t, "M")
			item, forms := map[string]types.AttributeValue{}, map[string]any{}
			for name := range v {
				item[name], forms[name] = v[name].value, v[name].json
			}
			value, plain = &types.AttributeValueMemberM{Value: item}, forms
		}
		return attribute{value, map[string]any{kind: plain}}
	})
}

func anys(values []string) []any {
	all := make([]any, len(values))
	for i, v := range values {
		all[i] = v
	}
	return all
}

func TestAttributesReachTheFunctionUnchanged(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		sent := attributeGen(3).Draw(t, "attribute")
		payload, err := json.Marshal(eventAttribute(sent.value))
		if err != nil {
			t.Fatal(err)
		}
		// As a Go function reads it, and writes it again.
		var received events.DynamoDBAttributeValue
		if err := json.Unmarshal(payload, &received); err != nil {
			t.Fatalf("%s: %v", payload, err)
		}
		again, err := json.Marshal(received)
		if err != nil {
			t.Fatal(err)
		}
		var got map[string]any
		if err := json.Unmarshal(again, &got); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(sent.json, got); diff != "" {
			t.Fatal(diff)
		}
	})
}
