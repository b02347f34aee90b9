// Package table is the one DynamoDB table: its keys, conditional writes,
// transactions and paging. It knows no feature.
//
// Expressions are DynamoDB's own. In them #name stands for the attribute name
// (unless Names says otherwise), and :v for the value "v" of Values, so that
// neither has to be declared.
package table

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"

	"roster/internal/fault"
)

// Table is Roster's table through one client.
type Table struct {
	db   *dynamodb.Client
	name string
}

// New returns the table of that name.
func New(db *dynamodb.Client, name string) *Table { return &Table{db: db, name: name} }

// Item is an item as DynamoDB holds it.
type Item = map[string]types.AttributeValue

// V names the values of an expression.
type V map[string]any

// Set is a set of strings, for V; it is not empty.
type Set []string

func (s Set) MarshalDynamoDBAttributeValue() (types.AttributeValue, error) {
	return &types.AttributeValueMemberSS{Value: s}, nil
}

// ErrUnavailable is the error of a call that DynamoDB did not answer, or refused
// for want of capacity. A write may have happened all the same.
var ErrUnavailable = fault.New(fault.Unavailable, "storage_unavailable",
	"The storage does not answer at the moment. Please try again.").WithRetryAfter(time.Second)

// Decode reads an item into a struct with dynamodbav tags.
func Decode[T any](item Item) (T, error) {
	var v T
	err := attributevalue.UnmarshalMap(item, &v)
	return v, err
}

// DecodeAll reads items as Decode does; of none, the slice is empty, not nil.
func DecodeAll[T any](items []Item) ([]T, error) {
	all := make([]T, 0, len(items))
	for _, item := range items {
		v, err := Decode[T](item)
		if err != nil {
			return nil, err
		}
		all = append(all, v)
	}
	return all, nil
}

// encode is the item of a struct at a key.
func encode(key Key, v any) (Item, error) {
	item, err := attributevalue.MarshalMapWithOptions(v, omitEmptyTime, readableTime)
	if err != nil {
		return nil, err
	}
	maps.Copy(item, key.item())
	return item, nil
}

// omitEmptyTime lets omitempty leave out the zero time too, as it does every
// other zero value.
func omitEmptyTime(o *attributevalue.EncoderOptions) { o.OmitEmptyTime = true }

// readableTime refuses to write times of years that RFC 3339 cannot: an item with
// one could not be read again.
func readableTime(o *attributevalue.EncoderOptions) {
	o.EncodeTime = func(t time.Time) (types.AttributeValue, error) {
		text, err := t.MarshalText()
		return &types.AttributeValueMemberS{Value: string(text)}, err
	}
}

func (k Key) item() Item {
	return Item{
		"pk": &types.AttributeValueMemberS{Value: k.PK},
		"sk": &types.AttributeValueMemberS{Value: k.SK},
	}
}

var placeholder = regexp.MustCompile(`#[A-Za-z_][A-Za-z0-9_]*`)

// names declares the #placeholders of expressions: each stands for what given
// says, else for itself.
func names(given map[string]string, expressions ...string) map[string]string {
	var all map[string]string
	for _, e := range expressions {
		for _, p := range placeholder.FindAllString(e, -1) {
			if all == nil {
				all = map[string]string{}
			}
			name, ok := given[p[1:]]
			if !ok {
				name = p[1:]
			}
			all[p] = name
		}
	}
	return all
}

// values encodes V with the colons that DynamoDB wants.
func values(v V) (Item, error) {
	if len(v) == 0 {
		return nil, nil
	}
	all := make(Item, len(v))
	for name, value := range v {
		av, err := attributevalue.MarshalWithOptions(value, readableTime)
		if err != nil {
			return nil, fmt.Errorf("value %s: %w", name, err)
		}
		all[":"+name] = av
	}
	return all, nil
}

// outcome sorts an error of the SDK or of a context. What DynamoDB refuses for
// good is a fault of Roster or of its deployment, and a cancelled call is the
// caller's will; all else may pass, and is ErrUnavailable with its cause.
func outcome(operation string, err error) error {
	_, answered := errors.AsType[smithy.APIError](err)
	if errors.Is(err, context.Canceled) || answered && passing.IsErrorRetryable(err) != aws.TrueTernary {
		return fmt.Errorf("dynamodb %s: %w", operation, err)
	}
	return &unavailable{operation: operation, cause: err}
}

// passing tells which answers of DynamoDB the SDK would repeat a call for.
var passing = retry.IsErrorRetryables(retry.DefaultRetryables)

// unavailable is ErrUnavailable for the client and its cause for the log.
type unavailable struct {
	operation string
	cause     error
}

func (u *unavailable) Error() string   { return "dynamodb " + u.operation + ": " + u.cause.Error() }
func (u *unavailable) Unwrap() []error { return []error{ErrUnavailable, u.cause} }
