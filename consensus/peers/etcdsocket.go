package main

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"

	"go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"
)

// A message on a socket: its length in 4 bytes, big endian, then the library's own encoding of it.
const messageHead = 4

// connect joins a member to others by sockets; ended is called when one of them is closed.
func (m *etcdMember) connect(sockets map[uint64]net.Conn, ended func()) {
	var buf []byte
	m.send = func(msg *raftpb.Message) {
		c := sockets[msg.GetTo()]
		if c == nil {
			return // followers do not know each other: they have nothing to say
		}
		var err error
		if buf, err = (proto.MarshalOptions{}).MarshalAppend(append(buf[:0], 0, 0, 0, 0), msg); err != nil {
			panic(err)
		}
		binary.BigEndian.PutUint32(buf, uint32(len(buf)-messageHead))
		_, _ = c.Write(buf) // broken: the reader notices
	}
	for _, c := range sockets {
		go func() { m.read(c); ended() }()
	}
}

func (m *etcdMember) read(c net.Conn) {
	in := bufio.NewReaderSize(c, 1<<16)
	var head [messageHead]byte
	for {
		if _, err := io.ReadFull(in, head[:]); err != nil {
			return
		}
		b := make([]byte, binary.BigEndian.Uint32(head[:]))
		if _, err := io.ReadFull(in, b); err != nil {
			return
		}
		msg := &raftpb.Message{}
		if err := proto.Unmarshal(b, msg); err != nil {
			return
		}
		m.in <- msg
	}
}

// startEtcd is a leader in this process and each follower in one of its own, joined by Unix sockets.
func startEtcd() (*etcdEngine, error) {
	dir, err := os.MkdirTemp("", "raft-peers-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "leader")
	l, err := net.Listen("unix", path)
	if err != nil {
		return nil, err
	}
	defer l.Close()
	binary, err := os.Executable()
	if err != nil {
		return nil, err
	}
	sockets := map[uint64]net.Conn{}
	var children []*exec.Cmd
	end := func() {
		for _, c := range sockets {
			c.Close()
		}
		for _, c := range children {
			_ = c.Wait()
		}
	}
	for id := uint64(2); id <= members; id++ {
		c := exec.Command(binary, "follow", fmt.Sprint(id), path)
		c.Stderr = os.Stderr
		if err := c.Start(); err != nil {
			end()
			return nil, err
		}
		children = append(children, c)
		if sockets[id], err = l.Accept(); err != nil { // one after the other: it is this one
			end()
			return nil, err
		}
	}
	e := &etcdEngine{leader: newEtcdMember(1), end: end, waits: true}
	e.leader.connect(sockets, func() {})
	return e, e.lead()
}

// follow is a follower's process, until the leader's socket is closed.
func follow(id uint64, path string) error {
	c, err := net.Dial("unix", path)
	if err != nil {
		return err
	}
	m := newEtcdMember(id)
	m.connect(map[uint64]net.Conn{1: c}, func() { close(m.quit) })
	m.run(never, nil)
	return nil
}
