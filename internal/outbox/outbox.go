// Package outbox holds the mails that wait to be sent. Each is written in the
// transaction of the change that causes it, so that neither is without the
// other; function notify sends them.
package outbox

import (
	"context"
	"hash/fnv"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"roster/internal/email"
	"roster/internal/env"
	"roster/internal/id"
	"roster/internal/mail"
	"roster/internal/table"
)

// Mail is one mail to one person.
type Mail struct {
	To   email.Address
	Kind mail.Kind
	Data mail.Data
	// Invitation, where set, is shown the mail's fate.
	Invitation *InvitationRef
}

// InvitationRef names an invitation and which of its mails this is.
type InvitationRef struct {
	Organization id.Organization `dynamodbav:"organization"`
	ID           id.Invitation   `dynamodbav:"id"`
	Generation   int             `dynamodbav:"generation"`
}

// Item is a waiting mail as the table holds it. Its link carries a token, so it
// is sealed.
type Item struct {
	ID         string         `dynamodbav:"id"`
	Shard      int            `dynamodbav:"shard"`
	To         email.Address  `dynamodbav:"to"`
	Kind       mail.Kind      `dynamodbav:"kind"`
	Data       string         `dynamodbav:"data"` // mail.Data as JSON, without its link
	Link       string         `dynamodbav:"link,omitempty"`
	Invitation *InvitationRef `dynamodbav:"invitation,omitempty"`
	Attempts   int            `dynamodbav:"attempts"`
	CreatedAt  time.Time      `dynamodbav:"created_at"`
	// NotBefore is when it may be tried (again); a sender claims a mail by moving it.
	NotBefore time.Time `dynamodbav:"not_before"`
}

// Enqueue is the Write of a mail to be sent.
func Enqueue(ctx context.Context, e *env.Env, m Mail) (table.Write, error) {
	now := e.Now()
	item := Item{
		ID: id.New("out", now), To: m.To, Kind: m.Kind,
		Invitation: m.Invitation, CreatedAt: now, NotBefore: now,
	}
	item.Shard = shard(item.ID)
	if m.Data.Link != "" {
		keys, err := e.Keys(ctx)
		if err != nil {
			return table.Write{}, err
		}
		item.Link, m.Data.Link = keys.Seal([]byte(m.Data.Link), item.ID), ""
	}
	data, err := json.Marshal(m.Data)
	if err != nil {
		return table.Write{}, err
	}
	item.Data = string(data)
	return table.Write{Key: item.key(), Put: item, If: table.Absent}, nil
}

func shard(mail string) int {
	h := fnv.New32a()
	h.Write([]byte(mail))
	return int(h.Sum32() % table.OutboxShards)
}

func (i Item) key() table.Key { return table.Outbox(i.Shard, i.ID) }

// Open returns the mail of an item, its link unsealed.
func (i Item) Open(ctx context.Context, e *env.Env) (Mail, error) {
	m := Mail{To: i.To, Kind: i.Kind, Invitation: i.Invitation}
	if err := json.Unmarshal([]byte(i.Data), &m.Data); err != nil {
		return Mail{}, err
	}
	if i.Link == "" {
		return m, nil
	}
	keys, err := e.Keys(ctx)
	if err != nil {
		return Mail{}, err
	}
	link, err := keys.Open(i.Link, i.ID)
	m.Data.Link = string(link)
	return m, err
}

// Waiting returns the mails that are not sent, oldest first.
func Waiting(ctx context.Context, e *env.Env) ([]Item, error) {
	var all []Item
	for shard := range table.OutboxShards {
		items, err := e.Table.QueryAll(ctx, table.Query{PK: table.Outbox(shard, "").PK})
		if err != nil {
			return nil, err
		}
		decoded, err := table.DecodeAll[Item](items)
		if err != nil {
			return nil, err
		}
		all = append(all, decoded...)
	}
	slices.SortFunc(all, func(a, b Item) int { return strings.Compare(a.ID, b.ID) })
	return all, nil
}
