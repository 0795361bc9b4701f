/* One finger, pen or mouse, from where it goes down to where it is lifted; others meanwhile are let be.

   `on.start`, `on.move`, `on.end` get a point {x, y} in pixels of the element; `start` may return false: not now.
   `on.cancel`: it was taken away (a call comes in). Pointer events where there are any, else touch and mouse. */

export function drag(element, on) {
  let active = null;

  const at = (event) => {
    const box = element.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  };
  const start = (id, event) => {
    if (active !== null || on.start(at(event)) === false) return false;
    active = id;
    return true;
  };
  const move = (event) => on.move(at(event));
  const end = (event) => {
    active = null;
    on.end(at(event));
  };
  const cancel = () => {
    active = null;
    on.cancel();
  };

  if (window.PointerEvent) {
    const ours = (then) => (event) => {
      if (event.pointerId === active) then(event);
    };
    element.addEventListener("pointerdown", (event) => {
      if (event.button !== 0 || !start(event.pointerId, event)) return;
      event.preventDefault();
      element.setPointerCapture(event.pointerId);
    });
    element.addEventListener(
      "pointermove",
      ours((event) => {
        const between = event.getCoalescedEvents ? event.getCoalescedEvents() : [];
        (between.length ? between : [event]).forEach(move);
      }),
    );
    element.addEventListener("pointerup", ours(end));
    element.addEventListener("pointercancel", ours(cancel));
  } else {
    const ours = (then) => (event) => {
      const touch = Array.from(event.changedTouches).find((one) => one.identifier === active);
      if (touch) then(touch);
    };
    element.addEventListener("touchstart", (event) => {
      const touch = event.changedTouches[0];
      if (start(touch.identifier, touch)) event.preventDefault(); // else a mouse would follow
    }, { passive: false });
    element.addEventListener("touchmove", ours(move));
    element.addEventListener("touchend", ours(end));
    element.addEventListener("touchcancel", ours(cancel));
    element.addEventListener("mousedown", (event) => {
      if (event.button === 0) start("mouse", event);
    });
    window.addEventListener("mousemove", (event) => active === "mouse" && move(event));
    window.addEventListener("mouseup", (event) => active === "mouse" && end(event));
  }

  // whoever draws does not scroll, also where `touch-action` is unknown
  element.addEventListener("touchmove", (event) => {
    if (active !== null && event.cancelable && event.touches.length === 1) event.preventDefault();
  }, { passive: false });
}
