package connection

import (
	"context"

	"roster/internal/access"
	"roster/internal/api"
	"roster/internal/audit"
	"roster/internal/id"
	"roster/internal/table"
)

// DeleteRequest names a connection.
type DeleteRequest struct {
	Connection id.Connection `path:"connection_id" json:"-"`
}

// DeleteConnection deletes a connection of the organization, with its credential,
// and shows what it was.
func (s Service) DeleteConnection(ctx context.Context, by access.Actor, in DeleteRequest) (Answer, error) {
	return s.delete(ctx, ofOrganization(by), in.Connection)
}

// DeleteMyConnection deletes a connection of the caller's own, with its credential,
// and shows what it was.
func (s Service) DeleteMyConnection(ctx context.Context, by access.Identity, in DeleteRequest) (Answer, error) {
	return s.delete(ctx, ofPerson(by), in.Connection)
}

func (s Service) delete(ctx context.Context, of owner, connection id.Connection) (out Answer, err error) {
	err = table.Retry(ctx, func() error {
		found, err := of.read(ctx, s.Table, connection)
		if err != nil {
			return err
		}
		c := found.connection
		if c == nil {
			return ErrNotFound
		}
		writes := append([]table.Write{
			{
				Key: table.Connection(of.partition(), c.ID), Delete: true,
				If: "#version = :read", Values: table.V{"read": c.Version}, Else: table.ErrChanged,
			},
			{Key: table.Credential(of.partition(), c.ID), Delete: true},
			of.count(found.counts, c.Provider, -1, -c.use()),
		}, of.recorded(s.Now(), audit.Event{Action: audit.ConnectionDeleted, Target: string(c.ID), Before: c.recorded()})...)
		out, err = api.Commit(ctx, s.Table, Answer{c.view()}, writes...)
		return err
	})
	return out, err
}
