package access

import (
	"context"
	"errors"
	"time"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"roster/internal/api"
	"roster/internal/env"
	"roster/internal/fault"
	"roster/internal/id"
	"roster/internal/permission"
	"roster/internal/table"
)

// ErrMandate refuses to act for someone who may not do it any more.
var ErrMandate = fault.New(fault.Forbidden, "mandate_ended", "Whoever started this may not do it any more.")

// Mandate is by what a job acts for its creator after their call has ended: who
// they are, and the credential by which they called. An Actor gives it, and an item
// of the table keeps it; nothing else can make one. By itself it admits to nothing:
// see ActingFor.
type Mandate struct{ of mandate }

type mandate struct {
	Organization id.Organization `dynamodbav:"organization"`
	User         id.User         `dynamodbav:"user"`
	// Key and Digest are those of the secret by which they called; else it was a
	// session, of these epochs.
	Key          id.Key `dynamodbav:"key,omitempty"`
	Digest       []byte `dynamodbav:"digest,omitempty"`
	Epoch        int    `dynamodbav:"epoch"`
	AccountEpoch int    `dynamodbav:"account_epoch"`
	IP           string `dynamodbav:"ip,omitempty"`
	Agent        string `dynamodbav:"agent,omitempty"`
}

// Mandate lets a job act for the actor.
func (a Actor) Mandate() Mandate {
	return Mandate{of: mandate{
		Organization: a.org, User: a.user, Key: a.key, Digest: a.secret.Digest, Epoch: a.member.Epoch, AccountEpoch: a.accountEpoch,
		IP: a.client.IP, Agent: a.client.Agent,
	}}
}

func (m Mandate) Organization() id.Organization { return m.of.Organization }
func (m Mandate) User() id.User                 { return m.of.User }
func (m Mandate) Key() id.Key                   { return m.of.Key }
func (m Mandate) Client() api.Client            { return api.Client{IP: m.of.IP, Agent: m.of.Agent} }

func (m Mandate) MarshalDynamoDBAttributeValue() (types.AttributeValue, error) {
	return attributevalue.Marshal(m.of)
}

func (m *Mandate) UnmarshalDynamoDBAttributeValue(av types.AttributeValue) error {
	return attributevalue.Unmarshal(av, &m.of)
}

// ActingFor is the Actor that a mandate stands for, as they are now: membership,
// credential and organization are read anew. It fails with ErrMandate where the
// creator lost the permission or their place, and where the key by which they
// called, or all sessions of their account, were ended. Logging out does not stop
// a job.
func ActingFor(ctx context.Context, e *env.Env, m Mandate, needed permission.Permission) (Actor, error) {
	a := Actor{org: m.of.Organization, user: m.of.User, key: m.of.Key, accountEpoch: m.of.AccountEpoch, client: m.Client()}
	var (
		account *accountView
		further []table.Read
	)
	if a.key == "" {
		further = append(further, table.Into(table.User(a.user), &account))
	}
	if err := a.read(ctx, e, further...); err != nil {
		return Actor{}, err
	}
	if err := a.holds(m, account, e.Now()); err != nil {
		return Actor{}, err
	}
	err := a.admit(e.Now(), exceptions{}, needed)
	if cause, ok := errors.AsType[*fault.Error](err); ok {
		return Actor{}, ErrMandate.WithDetail(ErrMandate.Detail + " " + cause.Detail)
	}
	return a, err
}

// holds refuses a mandate whose credential has ended. A key bounds the permissions
// as it does in a call.
func (a *Actor) holds(m Mandate, account *accountView, now time.Time) error {
	if a.key == "" {
		if account == nil || account.SessionEpoch != m.of.AccountEpoch || a.member.Epoch != m.of.Epoch {
			return ErrMandate
		}
		return nil
	}
	record := a.member.Keys[a.key]
	secret, ok := record.secret(m.of.Digest, now)
	if !ok || record.Expired(now) {
		return ErrMandate
	}
	a.secret, a.permissions = secret, secret.Cap.Bound(a.permissions)
	return nil
}
