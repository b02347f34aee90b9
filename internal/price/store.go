package price

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/go-json-experiment/json"

	"roster/internal/id"
	"roster/internal/model"
	"roster/internal/table"
)

// decided is what an organization decided itself, as a version of it is kept: for good.
// The zero one is that of an organization which decided nothing.
type decided struct {
	Version int       `dynamodbav:"version"`
	At      time.Time `dynamodbav:"at"`
	Prices  owned     `dynamodbav:"prices"`
	Tariff  *tariff   `dynamodbav:"tariff,omitempty"`
}

// own is a price that an organization decided.
type own struct {
	Terms
	// Since is the version in which it became what it is.
	Since int `json:"since"`
}

// owned and tariff are kept as the texts of JSON objects, in which decimals are exact.
type (
	owned  map[model.Pattern]own
	tariff struct{ Terms }
)

func (o owned) MarshalDynamoDBAttributeValue() (types.AttributeValue, error) {
	return kept(map[model.Pattern]own(o))
}

func (o *owned) UnmarshalDynamoDBAttributeValue(av types.AttributeValue) error {
	return restore(av, (*map[model.Pattern]own)(o))
}

func (t tariff) MarshalDynamoDBAttributeValue() (types.AttributeValue, error) { return kept(t.Terms) }

func (t *tariff) UnmarshalDynamoDBAttributeValue(av types.AttributeValue) error {
	return restore(av, &t.Terms)
}

func kept(v any) (types.AttributeValue, error) {
	text, err := json.Marshal(v, json.Deterministic(true))
	return &types.AttributeValueMemberS{Value: string(text)}, err
}

func restore(av types.AttributeValue, into any) error {
	text, ok := av.(*types.AttributeValueMemberS)
	if !ok {
		return fmt.Errorf("price: %T is no text", av)
	}
	return json.Unmarshal([]byte(text.Value), into)
}

// head says which version is in force.
type head struct {
	Version int `dynamodbav:"version"`
}

// current reads what is in force.
func current(ctx context.Context, t *table.Table, org id.Organization) (decided, error) {
	var found *head
	if err := t.Get(ctx, table.Into(table.Prices(org), &found)); err != nil || found == nil {
		return decided{}, err
	}
	return version(ctx, t, org, found.Version)
}

// version reads a version; refused with errNoVersion.
func version(ctx context.Context, t *table.Table, org id.Organization, number int) (decided, error) {
	if number == 0 {
		return decided{}, nil
	}
	var found *decided
	if err := t.Get(ctx, table.Into(table.PriceVersion(org, number), &found)); err != nil {
		return decided{}, err
	}
	if found == nil {
		return decided{}, errNoVersion
	}
	return *found, nil
}

// save are the Writes that put a version in force after the one before; they fail with
// table.ErrChanged if that is in force no more.
func (d decided) save(org id.Organization) []table.Write {
	put := table.Write{Key: table.Prices(org), Put: head{d.Version}, If: table.Absent, Else: table.ErrChanged}
	if d.Version > 1 {
		put.If, put.Values = "#version = :before", table.V{"before": d.Version - 1}
	}
	return []table.Write{put, {
		Key: table.PriceVersion(org, d.Version), Put: d, If: table.Absent, Else: table.ErrChanged,
	}}
}
