package account

import (
	"context"
	"slices"

	"roster/internal/env"
	"roster/internal/id"
	"roster/internal/member"
	"roster/internal/table"
)

// atOnce is in how many organizations a change of an account is noted in the
// transaction of the change itself, by two writes in each: DynamoDB takes a hundred
// in all.
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html
const atOnce = 45

// everywhere is what a change of an account writes in each organization of which
// its person is, or asks to be, a member: with the change, and, of who is in more
// than atOnce of them, further transactions.
func everywhere(ctx context.Context, e *env.Env, of id.User, in func(id.Organization) []table.Write) (first []table.Write, further [][]table.Write, err error) {
	organizations, err := member.OrganizationsOf(ctx, e.Table, of)
	if err != nil {
		return nil, nil, err
	}
	for some := range slices.Chunk(organizations, atOnce) {
		var writes []table.Write
		for _, org := range some {
			writes = append(writes, in(org)...)
		}
		further = append(further, writes)
	}
	if len(further) == 0 {
		return nil, nil, nil
	}
	return further[0], further[1:], nil
}

// transactEach makes each list of writes a transaction, followed by those given.
func transactEach(ctx context.Context, e *env.Env, further [][]table.Write, with ...table.Write) error {
	for _, writes := range further {
		if err := e.Table.Transact(ctx, slices.Concat(writes, with)...); err != nil {
			return err
		}
	}
	return nil
}
