package access

// TeamRole is what a member is in a team.
type TeamRole string

const (
	TeamUser TeamRole = "user"
	// TeamManager sees and manages the team, and nothing beside it.
	TeamManager TeamRole = "manager"
)

// Status of a membership.
type Status string

const (
	Pending   Status = "pending"
	Active    Status = "active"
	Suspended Status = "suspended"
	Removed   Status = "removed"
	// Ended is a membership whose end date is over; it is never stored. Function
	// expire removes the member.
	Ended Status = "ended"
)

// The statuses of an organization; package organization has the words.
const (
	active   = "active"
	deleting = "deleting"
	deleted  = "deleted"
)

// AdmitTo returns why nobody may do anything in an organization of this status; nil
// if its members may.
func AdmitTo(organization string) error {
	switch organization {
	case active:
		return nil
	case deleting, deleted:
		return ErrOrgDeleted
	}
	return ErrOrgStopped
}

// Admit returns why a membership of this status may do nothing; nil if it may.
func (s Status) Admit() error {
	switch s {
	case Active:
		return nil
	case Suspended:
		return ErrSuspended
	case Pending:
		return ErrPending
	case Ended:
		return ErrEnded
	}
	return ErrNotMember
}
