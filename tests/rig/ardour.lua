-- A session of eight tracks on the dummy back end: made once, then held open with Ardour's OSC surface until the
-- file `stop` appears in its folder. Arguments come in the environment, as Ardour's Lua has none.
local folder = os.getenv("RIG_SESSION")
AudioEngine:set_backend("None (Dummy)", "", "")
if os.getenv("RIG_MAKE") then
  local made = create_session(folder, "rig", 48000)
  made:new_audio_track(1, 2, nil, 8, "Heart", ARDOUR.PresentationInfo.max_order, ARDOUR.TrackMode.Normal, true)
  made:save_state("")
else
  assert(load_session(folder, "rig"))
  for _ = 1, 600 do
    ARDOUR.LuaAPI.usleep(100000)
    if io.open(folder .. "/stop") then break end
  end
end
close_session()
quit()
