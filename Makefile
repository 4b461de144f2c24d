# One-line tasks. `make check` is what CI runs.
.PHONY: run test race drill check fmt rdma-vm

run:    ; go run ./cmd/exchange demo
test:   ; go test ./...
race:   ; go test -race ./book/... ./consensus/... ./fix/... ./marketdata/... ./ouch/... ./cmd/...
drill:  ; go run ./cmd/exchange drill leader-kill --runs 20
fmt:    ; gofmt -w .
rdma-vm: ; bash rdmaio/verbs/guest/run.sh
check:  ; bash .ci/run
