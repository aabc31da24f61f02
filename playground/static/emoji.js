// The emoji names that are shown as pictures; other names stay as they are typed.

export const EMOJI = {
  white_check_mark: '✅', heavy_check_mark: '✔️', x: '❌', warning: '⚠️', no_entry: '⛔', no_entry_sign: '🚫', octagonal_sign: '🛑',
  hourglass: '⌛', hourglass_flowing_sand: '⏳', stopwatch: '⏱️', timer_clock: '⏲️', clock3: '🕒', zzz: '💤', zap: '⚡',
  movie_camera: '🎥', video_camera: '📹', film_frames: '🎞️', film_projector: '📽️', clapper: '🎬', camera: '📷', camera_with_flash: '📸',
  frame_with_picture: '🖼️', framed_picture: '🖼️', art: '🎨', mag: '🔍', mag_right: '🔎', eyes: '👀', eye: '👁️', telescope: '🔭',
  inbox_tray: '📥', outbox_tray: '📤', arrow_down: '⬇️', arrow_up: '⬆️', arrow_right: '➡️', arrow_left: '⬅️', arrows_counterclockwise: '🔄',
  repeat: '🔁', fast_forward: '⏩', arrow_forward: '▶️', double_vertical_bar: '⏸️', pause_button: '⏸️', tada: '🎉', sparkles: '✨',
  rocket: '🚀', bulb: '💡', robot_face: '🤖', link: '🔗', paperclip: '📎', memo: '📝', bar_chart: '📊', chart_with_upwards_trend: '📈',
  information_source: 'ℹ️', question: '❓', exclamation: '❗', grey_question: '❔', bell: '🔔', lock: '🔒', unlock: '🔓', key: '🔑', gear: '⚙️',
  wrench: '🔧', hammer_and_wrench: '🛠️', package: '📦', file_folder: '📁', open_file_folder: '📂', wastebasket: '🗑️', pushpin: '📌',
  dart: '🎯', label: '🏷️', star: '⭐', fire: '🔥', boom: '💥', heart: '❤️', wave: '👋', pray: '🙏', clap: '👏', raised_hands: '🙌',
  ok_hand: '👌', '+1': '👍', thumbsup: '👍', '-1': '👎', thumbsdown: '👎', point_right: '👉', point_down: '👇', slightly_smiling_face: '🙂',
  smile: '😄', grinning: '😀', joy: '😂', thinking_face: '🤔', cry: '😢', disappointed: '😞', sweat_smile: '😅', sunglasses: '😎',
  person_standing: '🧍', walking: '🚶', runner: '🏃', bust_in_silhouette: '👤', busts_in_silhouette: '👥', car: '🚗', red_car: '🚗',
  blue_car: '🚙', taxi: '🚕', bus: '🚌', truck: '🚚', bike: '🚲', motor_scooter: '🛵', airplane: '✈️', boat: '⛵', train: '🚆',
  dog: '🐶', dog2: '🐕', cat: '🐱', cat2: '🐈', fox_face: '🦊', bear: '🐻', bird: '🐦', deer: '🦌', horse: '🐴', racehorse: '🐎', cow: '🐮',
  sheep: '🐑', elephant: '🐘', zebra_face: '🦓', giraffe_face: '🦒', owl: '🦉', feet: '🐾', paw_prints: '🐾', seedling: '🌱', deciduous_tree: '🌳',
  red_circle: '🔴', large_orange_circle: '🟠', large_yellow_circle: '🟡', large_green_circle: '🟢', large_blue_circle: '🔵', large_purple_circle: '🟣',
  white_circle: '⚪', black_circle: '⚫', one: '1️⃣', two: '2️⃣', three: '3️⃣', four: '4️⃣', five: '5️⃣', six: '6️⃣', seven: '7️⃣',
  eight: '8️⃣', nine: '9️⃣', keycap_ten: '🔟', first_place_medal: '🥇', checkered_flag: '🏁', cloud: '☁️', globe_with_meridians: '🌐',
};
