// Package spent tells what members spent in a month, and who spent most.
//
// A member's counters of a month lie in one item. Beside it stands an entry in the
// list of the month, by how much was spent; package arrange keeps it. An entry
// stands for a range of about one percent, so that it moves some hundreds of times
// in a month at most, and not with every model call: the order of the entries is
// right to the percent, and the exact figures are read where they are shown.
package spent

import (
	"context"
	"fmt"
	"math/bits"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"roster/internal/id"
	"roster/internal/money"
	"roster/internal/table"
)

// month is what is read of a member's counters.
type month struct{ cost money.Amount }

// UnmarshalDynamoDBAttributeValue reads the item. A sum that has outgrown an int64
// is held at the largest.
func (m *month) UnmarshalDynamoDBAttributeValue(item types.AttributeValue) error {
	attributes, ok := item.(*types.AttributeValueMemberM)
	if !ok {
		return fmt.Errorf("spent: a month is a %T", item)
	}
	if sum, ok := attributes.Value["c"].(*types.AttributeValueMemberN); ok {
		n, _ := strconv.ParseInt(sum.Value, 10, 64)
		m.cost = money.Amount(n)
	}
	for _, held := range DecodeHolds(attributes.Value) {
		m.cost -= held.Amount
	}
	return nil
}

// Month names the month of an instant in an organization's time zone: "2026-11".
func Month(now time.Time, zone *time.Location) string { return now.In(zone).Format("2006-01") }

// Of reads what members spent in a month, 0.5 read units each, and makes further
// reads in the same round trip; what was written within the last moments may be
// missing. Who spent nothing is not in the map.
func Of(ctx context.Context, t *table.Table, org id.Organization, name string, users []id.User, further ...table.Read) (map[id.User]money.Amount, error) {
	found := make([]*month, len(users))
	reads := further
	for i, user := range users {
		reads = append(reads, table.Into(table.MemberMonth(org, user, name), &found[i]))
	}
	if err := t.GetSettled(ctx, reads...); err != nil {
		return nil, err
	}
	all := make(map[id.User]money.Amount, len(users))
	for i, m := range found {
		if m != nil {
			all[users[i]] = m.cost
		}
	}
	return all, nil
}

// Fence is the Write after which nothing is reserved in a member's month by who read
// the member before a version.
func Fence(org id.Organization, user id.User, month string, version int) table.Write {
	return table.Write{
		Key: table.MemberMonth(org, user, month), Update: "SET #lv = :version", Values: table.V{"version": version},
	}
}

// UsersPartition is the partition of the state index with the months in which
// models were used, by user.
func UsersPartition(org id.Organization, month string) string {
	return "UM#" + string(org) + "#" + month
}

// TestUsersPartition is UsersPartition of the months in which test keys were used.
func TestUsersPartition(org id.Organization, month string) string {
	return "UT#" + string(org) + "#" + month
}

// Partition is that of the list of a month: who spent anything, by how much.
func Partition(org id.Organization, month string) string {
	return table.ListPartition(org, "spend#"+month)
}

// Entries are the entries that an item should have in the lists: one, if it is a
// month in which something was spent.
func Entries(key table.Key, item table.Item) ([]table.Key, error) {
	org, user, name, ok := key.Month()
	if !ok || item == nil {
		return nil, nil
	}
	m, err := table.Decode[month](item)
	if err != nil || m.cost <= 0 {
		return nil, err
	}
	return []table.Key{Entry(org, user, name, m.cost)}, nil
}

// More reports whether a change of a month is that more was spent in it: not whether
// more is held.
func More(before, after table.Item) (bool, error) {
	was, err := table.Decode[month](before)
	if err != nil {
		return false, err
	}
	is, err := table.Decode[month](after)
	return is.cost > was.cost, err
}

// Entry is that of a member who spent so much in a month.
func Entry(org id.Organization, user id.User, month string, spent money.Amount) table.Key {
	return table.ListEntry(Partition(org, month), fmt.Sprintf("%04d", step(spent)), string(user))
}

// steps is into how many the amounts from one power of two to the next are divided:
// a step is 0.8 to 1.6 percent wide.
const steps = 64

// step numbers the range in which an amount lies. It is made of integers alone:
// every machine finds the same.
func step(spent money.Amount) int {
	length := bits.Len64(uint64(spent))
	leading := uint64(spent) << (64 - length) >> 57 // 7 bits, of which the first is set
	return length*steps + int(leading)%steps
}
