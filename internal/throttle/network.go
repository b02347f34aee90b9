package throttle

import "net/netip"

// Network is the subject of limits per place: an IPv4 address, or the /64 network
// that one IPv6 customer has to itself.
func Network(ip string) string {
	addr, err := netip.ParseAddr(ip)
	if err != nil {
		return ip
	}
	addr = addr.Unmap()
	if addr.Is4() {
		return addr.String()
	}
	network, _ := addr.WithZone("").Prefix(64) // 64 bits fit every IPv6 address
	return network.String()
}
