package usage

import (
	"context"

	"roster/internal/access"
	"roster/internal/fault"
	"roster/internal/id"
)

// CommitRequest says what the call came to for which a reservation was made.
type CommitRequest struct {
	Reservation id.Reservation `path:"reservation_id" json:"-"`
	// Model is the one that was called, where it is another than was reserved for.
	Model Model `json:"model,omitzero"`
	// InputTokens and OutputTokens say what the call cost, where cost_usd does not.
	InputTokens  *int64 `json:"input_tokens,omitzero"`
	OutputTokens *int64 `json:"output_tokens,omitzero"`
	Details
}

// Validate refuses a commit without cost and without tokens.
func (in *CommitRequest) Validate() []fault.Field {
	var faults []fault.Field
	for _, count := range []struct {
		pointer string
		tokens  *int64
	}{{"/input_tokens", in.InputTokens}, {"/output_tokens", in.OutputTokens}} {
		if count.tokens == nil && in.Cost == nil {
			faults = append(faults, fault.Field{Pointer: count.pointer, Reason: "is required without cost_usd"})
		}
	}
	if faults != nil {
		return faults
	}
	e := in.event(notSaid)
	return e.Validate()
}

// event is the call.
func (in *CommitRequest) event(reserved Model) Event {
	e := Event{
		ID: EventID(in.Reservation), Named: Named{UserID: in.Reservation.User()}, Model: in.Model,
		InputTokens: in.InputTokens, OutputTokens: in.OutputTokens, Details: in.Details, Reservation: Reference(in.Reservation),
	}
	if e.Model == "" {
		e.Model = reserved
	}
	if e.InputTokens == nil {
		e.InputTokens = new(int64)
	}
	if e.OutputTokens == nil {
		e.OutputTokens = new(int64)
	}
	return e
}

// Committed is what became of a reservation.
type Committed struct {
	Reservation CommittedReservation `json:"reservation"`
}

// CommittedReservation is one that was settled.
type CommittedReservation struct {
	ID id.Reservation `json:"id"`
	// Status is recorded, or duplicate where it was settled before.
	Status Outcome `json:"status"`
	// Late: the reservation had expired.
	Late bool `json:"late,omitzero"`
	// Computed is what the call cost, where the commit did not say it.
	*Computed
}

// notSaid stands for a model that neither the reservation nor its commit names.
const notSaid Model = "unknown"

// CommitReservation books what a call cost, and ends its reservation in the same
// transaction. It is booked also where the reservation is over, or cost more than it
// held. The same again changes nothing.
func (m Meter) CommitReservation(ctx context.Context, by access.Caller, in CommitRequest) (Committed, error) {
	if err := mine(by, in.Reservation); err != nil {
		return Committed{}, err
	}
	t, err := readMonth(ctx, m.Table, by.Organization(), by.Own, monthOf(in.Reservation))
	if err != nil {
		return Committed{}, err
	}
	reserved := notSaid
	if hold, ok := t.holds[in.Reservation.Name()]; ok && hold.Model != "" {
		reserved = Model(hold.Model)
	}
	call, err := newEntry(by, in.event(reserved), 0, m.Now(), newCall())
	if err != nil {
		return Committed{}, err
	}
	results := make([]Result, 1)
	if err := m.record(ctx, by, []entry{call}, results); err != nil {
		return Committed{}, err
	}
	result := results[0]
	if result.Status == Rejected {
		return Committed{}, fault.New(fault.Invalid, result.Code, result.Detail)
	}
	return Committed{CommittedReservation{in.Reservation, result.Status, result.Late, result.Computed}}, nil
}
