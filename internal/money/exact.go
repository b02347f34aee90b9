package money

import (
	"math"
	"math/bits"
)

// Exact is an amount before it is rounded, in 10^-18 USD. A sum of a dozen rates,
// each times a count, always fits.
type Exact struct{ high, low uint64 }

// perNano is how many 10^-18 USD one of Amount is.
const perNano = 1e9

// Times is what n cost at the rate; of fewer than none, nothing.
func (r Rate) Times(n int64) Exact {
	high, low := bits.Mul64(uint64(max(0, r)), uint64(max(0, n)))
	return Exact{high, low}
}

// Plus adds.
func (e Exact) Plus(o Exact) Exact {
	low, carry := bits.Add64(e.low, o.low, 0)
	high, _ := bits.Add64(e.high, o.high, carry)
	return Exact{high, low}
}

// Round is the nearest Amount, half up; what is more than the largest is the largest.
func (e Exact) Round() Amount {
	e = e.Plus(Exact{0, perNano / 2})
	if e.high >= perNano {
		return math.MaxInt64
	}
	nano, _ := bits.Div64(e.high, e.low, perNano)
	return Amount(min(nano, math.MaxInt64))
}

// Room is how many more may be had at the rate so that all of it together rounds to
// a limit or less; -1 where it is more already.
func (e Exact) Room(rate Rate, limit Amount) int64 {
	switch {
	case limit < 0:
		return -1
	case limit == math.MaxInt64:
		return math.MaxInt64
	}
	// The first sum that rounds to more is half a nano-USD above the limit.
	high, low := bits.Mul64(uint64(limit), perNano)
	most := Exact{high, low}.Plus(Exact{0, perNano/2 - 1})
	left, borrow := bits.Sub64(most.low, e.low, 0)
	over, borrow := bits.Sub64(most.high, e.high, borrow)
	switch {
	case borrow != 0:
		return -1
	case rate <= 0 || over >= uint64(rate):
		return math.MaxInt64
	}
	n, _ := bits.Div64(over, left, uint64(rate))
	return int64(min(n, math.MaxInt64))
}
