package usage

import (
	"context"

	"roster/internal/access"
	"roster/internal/calendar"
	"roster/internal/id"
	"roster/internal/money"
	"roster/internal/permission"
)

// ReleaseRequest names a reservation of which nothing came.
type ReleaseRequest struct {
	Reservation id.Reservation `path:"reservation_id" json:"-"`
}

// Released is what became of it.
type Released struct {
	Reservation ReleasedReservation `json:"reservation"`
}

// ReleasedReservation is one that holds nothing any more.
type ReleasedReservation struct {
	ID id.Reservation `json:"id"`
	// Amount is what it held until now: 0 where it was over already.
	Amount money.Amount `json:"amount_usd"`
}

// ReleaseReservation gives back what a reservation holds. The same again changes
// nothing.
func (m Meter) ReleaseReservation(ctx context.Context, by access.Caller, in ReleaseRequest) (Released, error) {
	if err := mine(by, in.Reservation); err != nil {
		return Released{}, err
	}
	of := monthOf(in.Reservation)
	t, err := readMonth(ctx, m.Table, by.Organization(), by.Own, of)
	if err != nil {
		return Released{}, err
	}
	held := t.holds[in.Reservation.Name()]
	if _, err = m.end(ctx, by, of, t, []string{in.Reservation.Name()}); err == nil {
		m.unclaim(ctx, lanesOf(by.Organization(), of.name, held), inPools(in.Reservation, held))
	}
	return Released{ReleasedReservation{in.Reservation, held.Amount}}, err
}

// mine refuses a caller without usage:write to settle another's reservation.
func mine(by access.Caller, reservation id.Reservation) error {
	if reservation.User() != by.User() && !by.Can(permission.UsageWrite) {
		return errOthers
	}
	return nil
}

// monthOf is where a reservation stands.
func monthOf(r id.Reservation) month {
	return month{r.User(), r.Day().Format(calendar.MonthForm), r.Test()}
}
