from consul.base import Consul
from consul.core.request import Response

C = Consul()


def test_fire():
    made = C.event.fire("deploy", b"\xff", tag="t")
    assert (made.request.target, made.request.body) == ("/v1/event/fire/deploy?tag=t", b"\xff")
    assert not made.repeatable


def test_list():
    # The positions of py-consul.
    assert C.event.list("n", 7, "5s", "a", "b", "c").request.target == (
        "/v1/event/list?name=n&node=a&service=b&tag=c&index=7&wait=5s"
    )
    answer = Response(200, {"x-consul-index": "9"}, b'[{"Payload": "YQ=="}, {"Payload": null}]')
    assert C.event.list().read(answer) == (9, [{"Payload": b"a"}, {"Payload": None}])
