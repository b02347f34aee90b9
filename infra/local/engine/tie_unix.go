//go:build unix && !linux

package engine

import (
	"errors"
	"os/exec"
	"strconv"
	"syscall"
)

// startTied starts cmd and a guard that kills it when this process ends: the
// guard reads from a pipe whose other end only this process holds. Groups of
// their own keep a terminal's Ctrl-C from both. The returned function ends the
// guard.
func startTied(cmd *exec.Cmd) (release func(), err error) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	guard := exec.Command("sh", "-c", `read _; kill -9 "$1"`, "sh", strconv.Itoa(cmd.Process.Pid))
	guard.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	pipe, err := guard.StdinPipe()
	if err == nil {
		err = guard.Start()
	}
	if err != nil {
		return nil, errors.Join(err, cmd.Process.Kill(), cmd.Wait())
	}
	return func() {
		guard.Process.Kill()
		guard.Wait()
		pipe.Close()
	}, nil
}
