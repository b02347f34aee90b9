package access

// Status of a membership.
type Status string

const (
	Pending   Status = "pending"
	Active    Status = "active"
	Suspended Status = "suspended"
	Removed   Status = "removed"
)

// Admit returns why a membership of this status may do nothing; nil if it may.
func (s Status) Admit() error {
	switch s {
	case Active:
		return nil
	case Suspended:
		return ErrSuspended
	case Pending:
		return ErrPending
	}
	return ErrNotMember
}
