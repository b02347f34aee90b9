package user

import (
	"slices"

	"roster/internal/table"
)

// placesKept is how many places an account knows.
const placesKept = 10

// Knows reports whether the account was logged in before at a place, a network as
// throttle.Network names it.
func (u *User) Knows(place string) bool { return u != nil && slices.Contains(u.Places, place) }

// Meet adds a place to those that the account knows, in place of the oldest.
func (u *User) Meet(place string) {
	if u.Knows(place) {
		return
	}
	u.Places = append([]string{place}, u.Places[:min(len(u.Places), placesKept-1)]...)
}

// SavePlaces is the Write of the places alone. What changes the account at the same
// time may undo it: the next log-in there adds the place again.
func (u *User) SavePlaces() table.Write {
	return table.Write{
		Key: table.User(u.ID), Update: "SET #places = :places",
		If: table.Present, Values: table.V{"places": u.Places}, Else: table.ErrChanged,
	}
}
