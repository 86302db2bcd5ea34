"""A building of SDM630 meters that speak Modbus: a fake on the wire, a model of real load behind it."""
