package offboarding

import (
	"context"
	"time"

	"golang.org/x/sync/errgroup"

	"roster/internal/access"
	"roster/internal/fault"
	"roster/internal/id"
	"roster/internal/member"
)

// Terms are what becomes of what the members share who are removed.
type Terms struct {
	// TransferTo is who takes over their service accounts, open invitations, connections
	// of the organization, and teams that nobody else manages: an active person who may
	// have all of it. Without it, nobody answers for these until someone hands them over.
	TransferTo id.User `json:"transfer_to,omitzero"`
	// RevokeMadeKeys also ends the API keys that they made for others, whose secrets they
	// know. Without it, these go on: whoever has them should rotate them.
	RevokeMadeKeys bool `json:"revoke_made_keys,omitzero"`
}

// given reports whether more is to be done than to end a membership.
func (t Terms) given() bool { return t.TransferTo != "" || t.RevokeMadeKeys }

// HandedOver counts what a removal handed over, and revoked besides the member's own
// keys.
type HandedOver struct {
	TransferTo      id.User `json:"transfer_to,omitzero"`
	ServiceAccounts int     `json:"service_accounts"`
	Invitations     int     `json:"invitations"`
	Connections     int     `json:"connections"`
	Teams           int     `json:"teams"`
	RevokedKeys     int     `json:"revoked_keys"`
}

const (
	// thingsAtOnce bounds how many things are being handed over.
	thingsAtOnce = 8
	// inReserve is what is kept of a function's time for the removal itself.
	inReserve = 5 * time.Second
)

// errUnfinished: what is handed over stays so, and a repeat does the rest.
var errUnfinished = fault.New(fault.Unavailable, "hand_over_unfinished",
	"There is more to hand over than one call does. Nothing is lost: repeat the call to go on.").WithRetryAfter(time.Second)

// prepare does what comes before a member is removed on these terms, or in a dry run
// only decides about it. Made again, it does what is left.
func (s Service) prepare(ctx context.Context, by access.Actor, m member.Member, t Terms, dryRun bool) (HandedOver, error) {
	done := HandedOver{TransferTo: t.TransferTo}
	if !t.given() {
		return done, nil
	}
	l, err := s.list(ctx, m)
	if err != nil {
		return done, err
	}
	all, err := s.read(ctx, m, l)
	if err != nil {
		return done, err
	}
	to, err := s.decide(ctx, by, all, t)
	if err != nil || dryRun {
		return done, err
	}
	return s.settle(ctx, by, all, t, to)
}

// decide reads who is to take over, and refuses what any of it is refused for.
func (s Service) decide(ctx context.Context, by access.Actor, all shared, t Terms) (to member.Member, err error) {
	if t.RevokeMadeKeys {
		if err := all.mayRevoke(by); err != nil {
			return to, err
		}
	}
	if t.TransferTo == "" {
		return to, nil
	}
	read, err := member.Get(ctx, s.Table, by.Organization(), t.TransferTo)
	if err != nil {
		return to, err
	}
	if err := all.of.MayTakeOver(read); err != nil {
		return to, err
	}
	return *read, all.mayHandOver(by, *read)
}

// settle hands over and revokes, each thing in a transaction of its own.
func (s Service) settle(ctx context.Context, by access.Actor, all shared, t Terms, to member.Member) (HandedOver, error) {
	var w work
	if t.TransferTo != "" {
		if len(all.teams) > 0 {
			w.add(func(ctx context.Context, done *HandedOver) error {
				changed, err := s.manage(ctx, by, to.ID, all.teams)
				done.Teams = changed
				return err
			})
		}
		for _, one := range all.services {
			w.add(func(ctx context.Context, done *HandedOver) (err error) {
				done.ServiceAccounts, err = counted(s.answer(ctx, by, one.ID, all.of.ID, to.ID))
				return err
			})
		}
		for _, one := range all.living(by.Roles()) {
			w.add(func(ctx context.Context, done *HandedOver) (err error) {
				done.Invitations, err = counted(s.invitations.HandOver(ctx, by, one.ID, all.of.ID, to))
				return err
			})
		}
		for _, one := range all.connections {
			w.add(func(ctx context.Context, done *HandedOver) (err error) {
				done.Connections, err = counted(s.connections.HandOver(ctx, by, one.ID, all.of.ID, to))
				return err
			})
		}
	}
	if t.RevokeMadeKeys {
		for _, holder := range all.holders {
			w.add(func(ctx context.Context, done *HandedOver) (err error) {
				done.RevokedKeys, err = s.keys.RevokeMade(ctx, by, holder.ID, all.of.ID)
				return err
			})
		}
	}
	done, err := w.run(ctx)
	done.TransferTo = t.TransferTo
	return done, err
}

// answer lets somebody answer for a service account, if whoever leaves did until now.
func (s Service) answer(ctx context.Context, by access.Actor, service, from, to id.User) (bool, error) {
	return s.members.Alter(ctx, by, service, func(m member.Member) (member.Member, error) {
		if m.Responsible != from || m.Status == access.Removed {
			return m, nil
		}
		return m.AnsweredForBy(by, to)
	})
}

// manage makes somebody the manager of teams, and counts of how many they were not.
func (s Service) manage(ctx context.Context, by access.Actor, user id.User, teams []id.Team) (n int, err error) {
	_, err = s.members.Alter(ctx, by, user, func(m member.Member) (member.Member, error) {
		n = 0
		for _, of := range teams {
			if m.Teams[of] != access.TeamManager {
				n++
			}
			if m, err = m.JoinTeam(by, of, access.TeamManager); err != nil {
				return m, err
			}
		}
		return m, nil
	})
	return n, err
}

func counted(changed bool, err error) (int, error) {
	if changed && err == nil {
		return 1, nil
	}
	return 0, err
}

// work is what there is to hand over, thing by thing.
type work struct {
	steps []func(context.Context, *HandedOver) error
}

func (w *work) add(step func(context.Context, *HandedOver) error) { w.steps = append(w.steps, step) }

// run makes the steps, some of them at the same time, as long as there is time.
func (w *work) run(ctx context.Context) (sum HandedOver, err error) {
	done := make([]HandedOver, len(w.steps))
	group, within := errgroup.WithContext(ctx)
	group.SetLimit(thingsAtOnce)
	for i, step := range w.steps {
		group.Go(func() error {
			if deadline, ok := within.Deadline(); ok && time.Until(deadline) < inReserve {
				return errUnfinished
			}
			return step(within, &done[i])
		})
	}
	err = group.Wait()
	for _, one := range done {
		sum.ServiceAccounts += one.ServiceAccounts
		sum.Invitations += one.Invitations
		sum.Connections += one.Connections
		sum.Teams += one.Teams
		sum.RevokedKeys += one.RevokedKeys
	}
	return sum, err
}
