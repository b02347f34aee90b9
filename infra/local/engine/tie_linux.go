package engine

import (
	"os/exec"
	"syscall"
)

// startTied starts cmd so that the kernel kills it when the calling thread
// ends. A group of its own keeps a terminal's Ctrl-C from it: its parent
// decides when it ends. The returned function releases what the tie holds.
func startTied(cmd *exec.Cmd) (release func(), err error) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	return func() {}, cmd.Start()
}
