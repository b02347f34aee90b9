package table

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"
)

// Write is one conditional change of one item: a Put, an Update or a Delete; with
// none of them, a check of the condition alone. Features offer Writes, and a use
// case hands several to one Transact.
type Write struct {
	Key Key
	// Put is the whole new item, a struct with dynamodbav tags. Where it claims
	// something it names its claimant: a single Put that meets an item equal to
	// its own counts as made.
	Put any
	// Update is an update expression.
	Update string
	Delete bool

	// If is the condition; Values are those of Update and If. Names are the
	// attributes that #placeholders of the two stand for, where they are not the
	// attribute's own name.
	If     string
	Values V
	Names  map[string]string
	// Else is the error that a refused condition means.
	Else error
	// ElseFrom, where set, makes that error from the item as it was found (nil
	// if absent).
	ElseFrom func(Item) error
	// Then, where set, sees the item as an Update that is alone left it.
	Then func(Item)
}

// Absent is the condition that there is no item.
const Absent = "attribute_not_exists(#pk)"

// Present is the condition that there is one.
const Present = "attribute_exists(#pk)"

// ErrChanged is the Else of a write whose decision rests on an item that was
// read before: Retry then decides anew.
var ErrChanged = errors.New("the item changed since it was read")

// ErrTooLarge is the refusal of a write after which its item would be larger
// than the 400 KB that DynamoDB keeps.
var ErrTooLarge = errors.New("the item would be larger than 400 KB")

var (
	errUnprocessed = errors.New("keys were left unprocessed")
	errConflict    = errors.New("too many conflicting transactions")
)

// Retry runs decide, and again as long as it fails with ErrChanged.
func Retry(ctx context.Context, decide func() error) error {
	for attempt := 1; ; attempt++ {
		err := decide()
		if !errors.Is(err, ErrChanged) {
			return err
		}
		if attempt > attempts {
			return &unavailable{"retry", err}
		}
		if err := Pause(ctx, attempt); err != nil {
			return outcome("retry", err)
		}
	}
}

// Refused is the error of a Transact whose conditions did not all hold, or whose
// items would not all have been small enough. It stands for the first of its reasons.
type Refused struct {
	// Reasons has, at the place of each Write, the error that its refusal means,
	// or ErrTooLarge; nil where nothing was wrong with it.
	Reasons []error
}

func (r *Refused) Error() string { return r.first().Error() }
func (r *Refused) Unwrap() error { return r.first() }

func (r *Refused) first() error {
	return r.Reasons[slices.IndexFunc(r.Reasons, func(reason error) bool { return reason != nil })]
}

// Transact makes all of the changes or none; of no change, none is made. The
// first refused condition, in the order given, decides the error (Refused has
// the others too). Conflicts with other transactions and want of capacity are
// retried. A single write costs half of what it would cost among others; but an
// Update or Delete whose answer was lost is made again, and hears Else where its
// condition then fails.
func (t *Table) Transact(ctx context.Context, writes ...Write) error {
	token := rand.Text()
	for attempt := 1; ; attempt++ {
		err := t.transact(ctx, token, writes)
		conflict, conflicted := errors.AsType[*Conflict](err)
		switch {
		case !conflicted:
			return err
		case attempt > attempts:
			return &unavailable{conflict.operation, errConflict}
		case conflict.At != nil: // nothing was made: the next attempt is a transaction of its own
			token = rand.Text()
		}
		if err := Pause(ctx, attempt); err != nil {
			return outcome(conflict.operation, err)
		}
	}
}

// Conflict is the error of a TransactOnce that other transactions, or a want of capacity,
// stood against: trying again helps.
type Conflict struct {
	// At tells, at the place of each Write, whether it was at this one; nil where that is
	// not known.
	At        []bool
	operation string
}

func (c *Conflict) Error() string { return "dynamodb " + c.operation + ": a transaction conflict" }

// TransactOnce is Transact for who decides anew after a Conflict. It may have been made
// all the same where At is nil: a write has to know its own repeat.
func (t *Table) TransactOnce(ctx context.Context, writes ...Write) error {
	return t.transact(ctx, rand.Text(), writes)
}

// transact tries once. By its token DynamoDB knows a transaction again whose answer was
// lost, and does not make it twice.
func (t *Table) transact(ctx context.Context, token string, writes []Write) error {
	items := make([]types.TransactWriteItem, len(writes))
	for i, w := range writes {
		item, err := t.transactItem(w)
		if err != nil {
			return err
		}
		items[i] = item
	}
	switch {
	case len(items) == 0:
		return nil
	case len(items) == 1 && items[0].ConditionCheck == nil:
		return t.writeOne(ctx, writes[0], items[0])
	}
	out, err := t.db.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{
		TransactItems:          items,
		ClientRequestToken:     &token,
		ReturnConsumedCapacity: reporting(ctx),
	})
	if err == nil {
		record(ctx, "TransactWriteItems", out.ConsumedCapacity...)
		return nil
	}
	if cancelled, ok := errors.AsType[*types.TransactionCanceledException](err); ok {
		if refused := refusals(writes, cancelled.CancellationReasons); refused != nil {
			return refused
		}
		if !transient(cancelled.CancellationReasons) {
			return fmt.Errorf("dynamodb TransactWriteItems: %w", err)
		}
		at := make([]bool, len(writes))
		for i, reason := range cancelled.CancellationReasons {
			at[i] = aws.ToString(reason.Code) != "None"
		}
		return &Conflict{at, "TransactWriteItems"}
	}
	if conflicting(err) {
		return &Conflict{operation: "TransactWriteItems"}
	}
	return outcome("TransactWriteItems", err)
}

func refusals(writes []Write, reasons []types.CancellationReason) error {
	meant := make([]error, len(writes))
	for i, reason := range reasons {
		switch code := aws.ToString(reason.Code); {
		case code == "ConditionalCheckFailed":
			meant[i] = writes[i].refused(reason.Item)
		case code == "ValidationError" && tooLarge(aws.ToString(reason.Message)):
			meant[i] = ErrTooLarge
		}
	}
	if !slices.ContainsFunc(meant, func(err error) bool { return err != nil }) {
		return nil
	}
	return &Refused{meant}
}

// tooLarge knows the two messages about an item's size, "Item size has exceeded
// the maximum allowed size" and "Item size to update has exceeded …": the code is
// that of every invalid write.
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html
func tooLarge(message string) bool {
	return strings.HasPrefix(message, "Item size") && strings.Contains(message, "maximum allowed size")
}

// transient reports whether every reason of a cancelled transaction is one that
// passes: the SDK retries none of them by itself.
func transient(reasons []types.CancellationReason) bool {
	for _, r := range reasons {
		switch aws.ToString(r.Code) {
		case "None", "TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded":
		default:
			return false
		}
	}
	return true
}

func conflicting(err error) bool {
	_, conflict := errors.AsType[*types.TransactionConflictException](err)
	_, inProgress := errors.AsType[*types.TransactionInProgressException](err)
	return conflict || inProgress
}

func (w Write) refused(found Item) error {
	if w.ElseFrom != nil {
		return w.ElseFrom(found)
	}
	if w.Else != nil {
		return w.Else
	}
	return fmt.Errorf("condition %q on %s refused", w.If, w.Key.PK)
}

func (t *Table) transactItem(w Write) (types.TransactWriteItem, error) {
	v, err := values(w.Values)
	if err != nil {
		return types.TransactWriteItem{}, err
	}
	condition, n := optional(w.If), names(w.Names, w.If, w.Update)
	const old = types.ReturnValuesOnConditionCheckFailureAllOld
	switch {
	case w.Put != nil:
		item, err := encode(w.Key, w.Put)
		if err != nil {
			return types.TransactWriteItem{}, err
		}
		return types.TransactWriteItem{Put: &types.Put{
			TableName: &t.name, Item: item, ConditionExpression: condition,
			ExpressionAttributeNames: n, ExpressionAttributeValues: v,
			ReturnValuesOnConditionCheckFailure: old,
		}}, nil
	case w.Update != "":
		return types.TransactWriteItem{Update: &types.Update{
			TableName: &t.name, Key: w.Key.item(), UpdateExpression: &w.Update, ConditionExpression: condition,
			ExpressionAttributeNames: n, ExpressionAttributeValues: v,
			ReturnValuesOnConditionCheckFailure: old,
		}}, nil
	case w.Delete:
		return types.TransactWriteItem{Delete: &types.Delete{
			TableName: &t.name, Key: w.Key.item(), ConditionExpression: condition,
			ExpressionAttributeNames: n, ExpressionAttributeValues: v,
			ReturnValuesOnConditionCheckFailure: old,
		}}, nil
	}
	return types.TransactWriteItem{ConditionCheck: &types.ConditionCheck{
		TableName: &t.name, Key: w.Key.item(), ConditionExpression: condition,
		ExpressionAttributeNames: n, ExpressionAttributeValues: v,
		ReturnValuesOnConditionCheckFailure: old,
	}}, nil
}

func (t *Table) writeOne(ctx context.Context, w Write, item types.TransactWriteItem) error {
	operation, err := t.send(ctx, item, w.Then)
	if err == nil {
		return nil
	}
	if failed, ok := errors.AsType[*types.ConditionalCheckFailedException](err); ok {
		if made(item.Put, failed.Item) {
			return nil
		}
		return &Refused{[]error{w.refused(failed.Item)}}
	}
	if invalid, ok := errors.AsType[smithy.APIError](err); ok &&
		invalid.ErrorCode() == "ValidationException" && tooLarge(invalid.ErrorMessage()) {
		return &Refused{[]error{ErrTooLarge}}
	}
	if conflicting(err) {
		return &Conflict{operation: operation}
	}
	return outcome(operation, err)
}

// made reports whether the item that refused a Put is the one it puts: the SDK
// repeats a call whose answer was lost, and the repeat meets its own write.
// (Transactions carry a token by which DynamoDB itself knows a repeat.)
func made(put *types.Put, found Item) bool {
	return put != nil && reflect.DeepEqual(put.Item, found)
}

func (t *Table) send(ctx context.Context, item types.TransactWriteItem, then func(Item)) (operation string, err error) {
	switch {
	case item.Put != nil:
		w := item.Put
		out, err := t.db.PutItem(ctx, &dynamodb.PutItemInput{
			TableName: w.TableName, Item: w.Item, ConditionExpression: w.ConditionExpression,
			ExpressionAttributeNames: w.ExpressionAttributeNames, ExpressionAttributeValues: w.ExpressionAttributeValues,
			ReturnValuesOnConditionCheckFailure: w.ReturnValuesOnConditionCheckFailure, ReturnConsumedCapacity: reporting(ctx),
		})
		if err == nil {
			record(ctx, "PutItem", deref(out.ConsumedCapacity)...)
		}
		return "PutItem", err
	case item.Update != nil:
		w, left := item.Update, types.ReturnValueNone
		if then != nil {
			left = types.ReturnValueAllNew
		}
		out, err := t.db.UpdateItem(ctx, &dynamodb.UpdateItemInput{
			ReturnValues: left,
			TableName:    w.TableName, Key: w.Key, UpdateExpression: w.UpdateExpression, ConditionExpression: w.ConditionExpression,
			ExpressionAttributeNames: w.ExpressionAttributeNames, ExpressionAttributeValues: w.ExpressionAttributeValues,
			ReturnValuesOnConditionCheckFailure: w.ReturnValuesOnConditionCheckFailure, ReturnConsumedCapacity: reporting(ctx),
		})
		if err == nil {
			record(ctx, "UpdateItem", deref(out.ConsumedCapacity)...)
			if then != nil {
				then(out.Attributes)
			}
		}
		return "UpdateItem", err
	}
	w := item.Delete
	out, err := t.db.DeleteItem(ctx, &dynamodb.DeleteItemInput{
		TableName: w.TableName, Key: w.Key, ConditionExpression: w.ConditionExpression,
		ExpressionAttributeNames: w.ExpressionAttributeNames, ExpressionAttributeValues: w.ExpressionAttributeValues,
		ReturnValuesOnConditionCheckFailure: w.ReturnValuesOnConditionCheckFailure, ReturnConsumedCapacity: reporting(ctx),
	})
	if err == nil {
		record(ctx, "DeleteItem", deref(out.ConsumedCapacity)...)
	}
	return "DeleteItem", err
}

func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
