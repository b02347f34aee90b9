package deletion

import (
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"

	"roster/internal/access"
	"roster/internal/mail"
	"roster/internal/member"
	"roster/internal/organization"
	"roster/internal/outbox"
	"roster/internal/table"
)

// toldAtOnce is how many mails one transaction enqueues, beside the note of how far
// the telling is: DynamoDB takes 100 writes.
const toldAtOnce = 50

// tell enqueues what the members are to hear, some at a time, each once: the mails
// and the note of who heard it last are one transaction. Whoever deletes or
// restores the organization meanwhile ends it.
func (s Service) tell(ctx context.Context, o organization.Organization) error {
	for o.Telling != nil && ctx.Err() == nil {
		next, writes, err := s.tellSome(ctx, o)
		if err != nil {
			return err
		}
		next, save := organization.Save(o, next, s.Now())
		switch err := s.Table.Transact(ctx, append(writes, save)...); {
		case errors.Is(err, table.ErrChanged):
			return nil // the next run does what is due then
		case err != nil:
			return err
		}
		o = next
	}
	return nil
}

// tellSome is the Writes of the next mails, and the organization when they are made.
func (s Service) tellSome(ctx context.Context, o organization.Organization) (organization.Organization, []table.Write, error) {
	telling := *o.Telling
	o.Telling = telling.Then
	q := table.Query{
		Index: table.ListIndex, PK: member.ListPartition(o.ID), To: telling.Until,
		Filter: "#kind = :person AND #status IN (:active, :suspended)",
		Values: table.V{"person": member.Person, "active": access.Active, "suspended": access.Suspended},
		Limit:  toldAtOnce,
	}
	if telling.After != nil {
		var err error
		if q.Start, err = attributevalue.MarshalMap(telling.After); err != nil {
			return o, nil, err
		}
	}
	read, err := s.Table.Query(ctx, q)
	if err != nil {
		return o, nil, err
	}
	members, err := table.DecodeAll[member.Member](read.Items)
	if err != nil {
		return o, nil, err
	}
	if read.Next != nil {
		if telling.After, err = table.Decode[map[string]string](read.Next); err != nil {
			return o, nil, err
		}
		o.Telling = &telling
	}
	if telling.Kind == mail.TwoFactorRequired {
		if members, err = s.unsecured(ctx, members); err != nil {
			return o, nil, err
		}
	}
	var writes []table.Write
	for _, m := range members {
		data := mail.Data{Organization: string(o.Name), Recipient: string(m.Name), ExpiresAt: o.DeletesAt}
		switch {
		case telling.Kind == mail.TwoFactorRequired:
			data.ExpiresAt = o.Policy.TwoFactorFrom()
		case o.Deletion != nil:
			data.Actor = o.Deletion.Name
		}
		write, err := outbox.Enqueue(ctx, s.Env, outbox.Mail{To: m.Email, Kind: telling.Kind, Data: data})
		if err != nil {
			return o, nil, err
		}
		writes = append(writes, write)
	}
	return o, writes, nil
}

// unsecured are those of the members who have no two-factor authentication, which
// their rows do not say.
func (s Service) unsecured(ctx context.Context, members []member.Member) ([]member.Member, error) {
	found := make([]*member.Member, len(members))
	reads := make([]table.Read, len(members))
	for i, m := range members {
		reads[i] = member.Read(m.Organization, m.ID, &found[i])
	}
	if len(reads) == 0 {
		return nil, nil
	}
	if err := s.Table.Get(ctx, reads...); err != nil {
		return nil, err
	}
	var all []member.Member
	for i, m := range members {
		if found[i] != nil && !found[i].TwoFactor {
			all = append(all, m)
		}
	}
	return all, nil
}
